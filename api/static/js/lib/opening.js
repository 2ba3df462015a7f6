/**
 * Opening together: a custodian's partial decryption with its proof, its check, and the combination in the exponent.
 *
 * The same as bidding/opening.py; docs/spec/opening.md, "Shares". The private key itself is never put together.
 */
import { concat, u32, utf8 } from "./bytes.js";
import * as group from "./group.js";
import { coefficientAtZero } from "./polynomial.js";
import { Refusal } from "./refusal.js";

const SHARE = utf8("ggzy/opening-share/v1\0");

/**
 * Return what a share's proof is bound to: the opening key, the envelope's header, the custodian's number.
 * @param {Uint8Array} keyHash
 * @param {Uint8Array} headerHash
 * @param {number} index
 */
export function shareContext(keyHash, headerHash, index) {
  return concat(SHARE, keyHash, headerHash, u32(index));
}

/**
 * Return D = x_i·U (32 bytes) and its proof (64 bytes); `group.bad_point` for a U off the subgroup.
 * @param {Uint8Array} share
 * @param {Uint8Array} point
 * @param {Uint8Array} context
 * @param {(size: number) => Uint8Array} random
 */
export function partial(share, point, context, random) {
  const image = group.mult(share, group.checkPoint(point));
  return { image, proof: group.proveEqual(share, point, image, context, random) };
}

/**
 * Check a custodian's D against its X_i; `group.bad_point`, `group.bad_proof`.
 * @param {Uint8Array} verificationShare
 * @param {Uint8Array} point
 * @param {Uint8Array} image
 * @param {Uint8Array} proof
 * @param {Uint8Array} context
 */
export function checkPartial(verificationShare, point, image, proof, context) {
  group.verifyEqual(verificationShare, point, image, proof, context);
}

/**
 * Return K from the checked D_i by custodian's number; the lowest `threshold` are taken. `opening.too_few_shares`.
 * @param {Map<number, Uint8Array>} images
 * @param {number} threshold
 */
export function combine(images, threshold) {
  const chosen = [...images.keys()].sort((a, b) => a - b).slice(0, threshold);
  if (chosen.length < threshold || threshold < 1 || chosen[0] < 1) {
    throw new Refusal("opening.too_few_shares", { given: images.size, needed: threshold });
  }
  const terms = chosen.map((i) =>
    group.mult(coefficientAtZero(i, chosen), group.checkPoint(/** @type {Uint8Array} */ (images.get(i)))),
  );
  return group.checkPoint(terms.reduce(group.add));
}
