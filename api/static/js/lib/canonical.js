/**
 * Canonical JSON (RFC 8785) without floats, the bytes that are hashed and signed; as strict as kernel/canonical.py.
 *
 * What was parsed is encoded again and compared, so that every value has one encoding.
 */
import { equal, text, utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";

const MAX_DEPTH = 32;

/**
 * @param {unknown} value objects, arrays, strings, safe integers, booleans, null
 * @returns {Uint8Array}
 * @throws {Refusal} `canonical.unsupported`
 */
export function encode(value) {
  return utf8(write(value, 0));
}

/**
 * Parse canonical bytes strictly.
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {Refusal} `canonical.malformed`
 */
export function decode(bytes) {
  try {
    const value = JSON.parse(text(bytes));
    if (equal(encode(value), bytes)) return value;
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof SyntaxError || error instanceof RangeError)) throw error;
  }
  throw new Refusal("canonical.malformed");
}

/** @param {unknown} value @param {number} depth @returns {string} */
function write(value, depth) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quote(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value === "object" && depth < MAX_DEPTH) {
    if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return members(/** @type {Record<string, unknown>} */ (value), depth);
  }
  throw new Refusal("canonical.unsupported");
}

/** @param {Record<string, unknown>} value @param {number} depth @returns {string} */
function members(value, depth) {
  const written = Object.keys(value)
    .sort() // JavaScript compares strings by their UTF-16 units, as the standard asks
    .map((name) => `${quote(name)}:${write(value[name], depth + 1)}`);
  return `{${written.join(",")}}`;
}

/** @param {string} value @returns {string} JSON.stringify escapes exactly as RFC 8785 does, but for lone surrogates */
function quote(value) {
  if (!value.isWellFormed()) throw new Refusal("canonical.unsupported");
  return JSON.stringify(value);
}
