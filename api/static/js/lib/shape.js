/**
 * Exact shapes of parsed JSON: the members that a format names and no others, short texts, whole numbers in a range.
 *
 * A check is a function of a value that tells whether it fits. What fits nowhere is refused by the format's own reader.
 */
import * as moment from "./verify/moment.js";

/** @typedef {(value: unknown) => boolean} Check */

const IDENTIFIER = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A string that matches a pattern as a whole.
 * @param {RegExp} pattern
 * @returns {Check}
 */
export const matching = (pattern) => (value) => typeof value === "string" && pattern.test(value);

/** 32 bytes in lower-case hex. */
export const hash = matching(/^[0-9a-f]{64}$/);

/** 64 bytes in lower-case hex: a signature or a proof. */
export const pair = matching(/^[0-9a-f]{128}$/);

/** One or more bytes in lower-case hex. */
export const bytes = matching(/^([0-9a-f]{2})+$/);

/** A UUID in its canonical spelling. */
export const identifier = matching(IDENTIFIER);

/** A time as canonical bytes carry it. */
export const time = (/** @type {unknown} */ value) => moment.parse(value) !== null;

/** @type {Check} */
export const flag = (value) => typeof value === "boolean";

/** @type {Check} */
export const record = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * A text of so many characters.
 * @param {number} least
 * @param {number} most
 * @returns {Check}
 */
export const text = (least, most) => (value) => {
  if (typeof value !== "string" || value.length > 2 * most) return false;
  const size = [...value].length;
  return least <= size && size <= most;
};

/**
 * A whole number of a range.
 * @param {number} least
 * @param {number} most
 * @returns {Check}
 */
export const whole = (least, most = Number.MAX_SAFE_INTEGER) => (value) =>
  Number.isSafeInteger(value) && least <= Number(value) && Number(value) <= most;

/**
 * One of these values.
 * @param {...unknown} values
 * @returns {Check}
 */
export const oneOf = (...values) => (value) => values.includes(value);

/**
 * Null, or what the check takes.
 * @param {Check} check
 * @returns {Check}
 */
export const nullable = (check) => (value) => value === null || check(value);

/**
 * A list of so many, each of which fits.
 * @param {Check} check
 * @param {number} least
 * @param {number} most
 * @returns {Check}
 */
export const list = (check, least = 0, most = Infinity) => (value) =>
  Array.isArray(value) && least <= value.length && value.length <= most && value.every((one) => check(one));

/**
 * An object with exactly these members.
 * @param {Record<string, Check>} members
 * @returns {Check}
 */
export const object = (members) => (value) => {
  if (!record(value)) return false;
  const found = /** @type {Record<string, unknown>} */ (value);
  const names = Object.keys(members);
  return (
    Object.keys(found).length === names.length &&
    names.every((name) => Object.hasOwn(found, name) && members[name](found[name]))
  );
};
