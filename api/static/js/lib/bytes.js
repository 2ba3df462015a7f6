/** Byte strings: hex, UTF-8, joining, comparing, big-endian integers. */
import { Refusal } from "./refusal.js";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const HEX = /^([0-9a-f]{2})*$/;

/** @param {Uint8Array} bytes @returns {string} lower-case hex */
export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Read lower-case hex of whole bytes.
 * @param {string} text
 * @returns {Uint8Array}
 * @throws {Refusal} `bytes.not_hex`
 */
export function unhex(text) {
  if (typeof text !== "string" || !HEX.test(text)) throw new Refusal("bytes.not_hex");
  const bytes = new Uint8Array(text.length / 2);
  for (let place = 0; place < bytes.length; place += 1) bytes[place] = parseInt(text.slice(2 * place, 2 * place + 2), 16);
  return bytes;
}

/** @param {string} text @returns {Uint8Array} UTF-8; a lone surrogate becomes U+FFFD */
export function utf8(text) {
  return ENCODER.encode(text);
}

/**
 * Read UTF-8 strictly.
 * @param {Uint8Array} bytes
 * @returns {string}
 * @throws {Refusal} `bytes.not_utf8`
 */
export function text(bytes) {
  try {
    return DECODER.decode(bytes);
  } catch {
    throw new Refusal("bytes.not_utf8");
  }
}

/** @param {...Uint8Array} parts @returns {Uint8Array} the parts, one after the other */
export function concat(...parts) {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    joined.set(part, place);
    place += part.length;
  }
  return joined;
}

/** @param {Uint8Array} left @param {Uint8Array} right @returns {boolean} compared without stopping at a difference */
export function equal(left, right) {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let place = 0; place < left.length; place += 1) difference |= left[place] ^ right[place];
  return difference === 0;
}

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Uint8Array} left ⊕ right, of equal length */
export function xor(left, right) {
  if (left.length !== right.length) throw new Refusal("bytes.bad_length");
  return left.map((byte, place) => byte ^ right[place]);
}

/** @param {number} value 0…65535 @returns {Uint8Array} 2 bytes, big-endian */
export function u16(value) {
  return bigEndian(value, 2);
}

/** @param {number} value 0…2^32 − 1 @returns {Uint8Array} 4 bytes, big-endian */
export function u32(value) {
  return bigEndian(value, 4);
}

/** @param {number | bigint} value 0…2^64 − 1 @returns {Uint8Array} 8 bytes, big-endian */
export function u64(value) {
  return bigEndian(value, 8);
}

/**
 * @param {number | bigint} value a whole number that is not negative
 * @param {number} size in bytes
 * @returns {Uint8Array} big-endian
 * @throws {Refusal} `bytes.bad_integer`
 */
export function bigEndian(value, size) {
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Refusal("bytes.bad_integer");
  let rest = BigInt(value);
  const bytes = new Uint8Array(size);
  for (let place = size - 1; place >= 0; place -= 1) {
    bytes[place] = Number(rest & 255n);
    rest >>= 8n;
  }
  if (rest !== 0n) throw new Refusal("bytes.bad_integer"); // too large, or negative: then −1n is left
  return bytes;
}

/** @param {Uint8Array} bytes @returns {bigint} the big-endian integer */
export function integer(bytes) {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** @param {Uint8Array} bytes @returns {string} base64 with padding */
export function base64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Read base64 with padding, as it is written and in no other way.
 * @param {string} encoded
 * @returns {Uint8Array}
 * @throws {Refusal} `bytes.not_base64`
 */
export function unbase64(encoded) {
  let binary;
  try {
    binary = atob(encoded);
  } catch {
    throw new Refusal("bytes.not_base64");
  }
  if (btoa(binary) !== encoded) throw new Refusal("bytes.not_base64");
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/**
 * The same bytes for WebCrypto and Blobs, which refuse shared memory: nothing of this library lies in any.
 * @param {Uint8Array} bytes
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function unshared(bytes) {
  return /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
}

/** Overwrite secrets that are no longer needed. @param {...Uint8Array} secrets */
export function wipe(...secrets) {
  for (const secret of secrets) secret.fill(0);
}
