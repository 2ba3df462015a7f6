/**
 * Signed canonical JSON: one self-contained message of a device (docs/spec/opening-key.md, "Messages").
 *
 * An object that names its `format` and ends in `signature`: Ed25519 by the device key over
 * `format ‖ 00 ‖ canonical JSON of the object without its signature`. libsodium must be `ready`.
 */
import { concat, hex, unhex, utf8 } from "./bytes.js";
import { decode as decodeCanonical, encode } from "./canonical.js";
import { Refusal } from "./refusal.js";
import { sodium } from "./sodium.js";

const SIGNATURE = /^[0-9a-f]{128}$/;

/**
 * @typedef {{publicKey: Uint8Array, privateKey: Uint8Array}} Device an Ed25519 key pair as libsodium has it (32, 64 bytes)
 * @typedef {{fields: Record<string, any>, message: Uint8Array, signature: Uint8Array}} Signed fields without the
 *   signature, the bytes that were signed, the 64-byte signature
 */

/**
 * @param {Uint8Array} seed the 32-byte RFC 8032 private key
 * @returns {Device}
 */
export function deviceOf(seed) {
  const { publicKey, privateKey } = sodium.crypto_sign_seed_keypair(seed);
  return { publicKey, privateKey };
}

/**
 * @param {Record<string, any>} fields that name their `format`
 * @param {Device} device
 * @returns {Uint8Array} the canonical bytes of the fields with the device's signature
 */
export function write(fields, device) {
  return encode({ ...fields, signature: hex(sign(messageOf(fields), device)) });
}

/** @param {Uint8Array} message @param {Device} device @returns {Uint8Array} a bare signature, 64 bytes */
export function sign(message, device) {
  return sodium.crypto_sign_detached(message, device.privateKey);
}

/** @param {Record<string, any>} fields @returns {Uint8Array} what is signed */
export function messageOf(fields) {
  return concat(utf8(`${fields.format}\0`), encode(fields));
}

/**
 * Parse a message of this format; the signature is not checked yet.
 * @param {Uint8Array} bytes
 * @param {string} format
 * @param {number} limit the most bytes that are read
 * @returns {Signed}
 * @throws {Refusal} `signed.malformed`
 */
export function read(bytes, format, limit) {
  const { signature, ...fields } = decode(bytes, format, limit);
  if (typeof signature !== "string" || !SIGNATURE.test(signature)) throw new Refusal("signed.malformed", { format });
  return { fields, message: messageOf(fields), signature: unhex(signature) };
}

/**
 * Parse a canonical JSON object that names this format.
 * @param {Uint8Array} bytes
 * @param {string} format
 * @param {number} limit
 * @returns {Record<string, any>}
 * @throws {Refusal} `signed.malformed`
 */
export function decode(bytes, format, limit) {
  const fields = bytes.length <= limit ? parsed(bytes, format) : null;
  if (fields === null || typeof fields !== "object" || Array.isArray(fields) || fields.format !== format) {
    throw new Refusal("signed.malformed", { format });
  }
  return fields;
}

/** @param {Signed} signed @param {Uint8Array} key the 32-byte device key @throws {Refusal} `signed.bad_signature` */
export function verify(signed, key) {
  check(signed.message, signed.signature, key);
}

/**
 * Check a bare signature.
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 * @param {Uint8Array} key
 * @throws {Refusal} `signed.bad_signature`
 */
export function check(message, signature, key) {
  let good = false;
  try {
    good = sodium.crypto_sign_verify_detached(signature, message, key);
  } catch {
    good = false; // libsodium throws at wrong lengths
  }
  if (!good) throw new Refusal("signed.bad_signature");
}

/** @param {Uint8Array} bytes @param {string} format @returns {any} */
function parsed(bytes, format) {
  try {
    return decodeCanonical(bytes);
  } catch {
    throw new Refusal("signed.malformed", { format });
  }
}
