/**
 * What a strict reader does with whatever it cannot read: one refusal of its own, whichever way the input was wrong.
 */

import { Refusal } from "../refusal.js";

/**
 * Return what `read` returns; what it throws because of its input becomes the refusal with this code.
 *
 * TypeError and RangeError count as the input's fault here: JSON of another shape has no such member.
 * @template T
 * @param {string} code
 * @param {() => T} read
 * @param {Record<string, unknown>} [params]
 * @returns {T}
 */
export function reading(code, read, params = {}) {
  try {
    return read();
  } catch (error) {
    const inputs = [Refusal, TypeError, RangeError, SyntaxError];
    throw inputs.some((sort) => error instanceof sort) ? new Refusal(code, params) : error;
  }
}

/**
 * Tell whether an object has exactly these members.
 * @param {any} value
 * @param {string[]} names
 * @returns {boolean}
 */
export function hasMembers(value, names) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const found = Object.keys(value);
  return found.length === names.length && names.every((name) => Object.hasOwn(value, name));
}
