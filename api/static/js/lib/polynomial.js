/**
 * Polynomials over the group's order and their Feldman commitments; the same as bidding/polynomial.py.
 *
 * A polynomial of degree k−1 is its k coefficients as scalars, lowest first. Indexes are the custodians' numbers from 1.
 */
import { equal } from "./bytes.js";
import * as group from "./group.js";

/** @typedef {Uint8Array[]} Points commitments or coefficients, lowest first */

/**
 * Return `threshold` random coefficients, none of them zero.
 * @param {number} threshold
 * @param {(size: number) => Uint8Array} random
 */
export function draw(threshold, random) {
  return Array.from({ length: threshold }, () => group.randomScalar(random));
}

/**
 * Return the Feldman commitments, one point for each coefficient.
 * @param {Points} coefficients
 */
export function commit(coefficients) {
  return coefficients.map(group.baseMult);
}

/**
 * Return the polynomial's value at an index, a secret scalar (Horner).
 * @param {Points} coefficients
 * @param {number} index
 */
export function evaluate(coefficients, index) {
  const at = group.smallScalar(index);
  return coefficients.reduceRight((value, c) => group.scalarAdd(group.scalarMul(value, at), c), group.ZERO);
}

/**
 * Return the commitment of the value at an index (Horner in the exponent); `group.bad_point` for the identity.
 * @param {Points} commitments
 * @param {number} index
 */
export function evaluateCommitments(commitments, index) {
  const at = group.smallScalar(index);
  const value = commitments.reduceRight((sum, commitment) => group.add(group.mult(at, sum), commitment));
  return group.checkPoint(value);
}

/**
 * Tell whether a share is a reduced scalar, not zero, and the value at `index` of what was committed to.
 * @param {Uint8Array} share
 * @param {Points} commitments
 * @param {number} index
 */
export function fits(share, commitments, index) {
  try {
    return equal(group.baseMult(group.checkScalar(share)), evaluateCommitments(commitments, index));
  } catch {
    return false;
  }
}

/**
 * Return the commitments of the sum of several polynomials of one degree.
 * @param {Points[]} dealers
 */
export function sumCommitments(dealers) {
  return dealers[0].map((_, place) => dealers.map((one) => one[place]).reduce(group.add));
}

/**
 * Return the Lagrange coefficient of `index` among distinct `indexes` for the value at zero: Π j/(j − i).
 * @param {number} index
 * @param {number[]} indexes
 */
export function coefficientAtZero(index, indexes) {
  const own = group.smallScalar(index);
  /** @type {[Uint8Array, Uint8Array]} */
  let [above, below] = [group.ONE, group.ONE];
  for (const other of indexes.filter((one) => one !== index).map(group.smallScalar)) {
    above = group.scalarMul(above, other);
    below = group.scalarMul(below, group.scalarSub(other, own));
  }
  return group.scalarMul(above, group.scalarInvert(below));
}
