/**
 * How much there is of something, as people read it everywhere in the pages: decimal kB, MB, GB (the filter `size` in Python).
 * @module
 */

const STEP = 1000;
const UNITS = ["B", "kB", "MB", "GB"];

/**
 * Return a number of bytes in words: whole bytes, then one place behind the point.
 * @param {number} bytes
 * @returns {string}
 */
export function size(bytes) {
  let [amount, unit] = [bytes, 0];
  while (amount >= STEP && unit < UNITS.length - 1) [amount, unit] = [amount / STEP, unit + 1];
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`;
}
