/**
 * Padmé padding: the length of an envelope tells at most O(log log n) bits of what is in it (docs/spec/sealing.md, 5).
 * Lengths are up to 2^40, so that whole numbers hold them exactly.
 */

/** Every payload has at least this length, so that all envelopes holding a form only look alike. */
const FLOOR = 65536;

/** @param {number} length in bytes @returns {number} the Padmé length, at least `FLOOR` */
export function paddedLength(length) {
  const size = Math.max(length, FLOOR);
  const exponent = bits(size) - 1;
  const step = 2 ** (exponent - bits(exponent));
  return Math.ceil(size / step) * step;
}

/** @param {number} length @returns {boolean} whether `paddedLength` returns it for any length */
export function isPadded(length) {
  return length >= FLOOR && paddedLength(length) === length;
}

/** The number of binary digits of a positive whole number. Math.log2 may round up just below a power of two. @param {number} value */
function bits(value) {
  return value.toString(2).length;
}
