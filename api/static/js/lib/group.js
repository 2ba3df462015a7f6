/**
 * The prime-order subgroup of Ed25519, with proofs of knowledge and of equal logarithms, on libsodium alone.
 *
 * The same bytes as bidding/group.py. Points and scalars are Uint8Arrays of 32 bytes, little-endian as in RFC 8032.
 * Secret scalars are touched by libsodium's constant-time functions only. A point is checked wherever it enters
 * (`checkPoint`): canonical, on the curve, in the subgroup, not the identity. Specification: docs/spec/opening-key.md.
 *
 * `random` is a function of a size that returns so many random bytes. libsodium must be `ready`.
 */
import { attempt } from "./attempt.js";
import { concat, equal, u32, utf8 } from "./bytes.js";
import { Refusal } from "./refusal.js";
import { sodium } from "./sodium.js";

export const SCALAR_BYTES = 32;
const PROOF_BYTES = 64;
export const ZERO = new Uint8Array(32);
export const ONE = Uint8Array.from([1, ...new Uint8Array(31)]);

const IDENTITY = ONE; // the neutral element is encoded as y = 1
const KNOWLEDGE = utf8("ggzy/group/knowledge/v1\0");
const EQUALITY = utf8("ggzy/group/equality/v1\0");
const NONCE = utf8("ggzy/group/nonce/v1\0");

/**
 * Return the point if it is a canonical element of the subgroup other than the identity; `group.bad_point`.
 * @param {Uint8Array} point
 */
export function checkPoint(point) {
  if (point.length !== 32 || equal(point, IDENTITY) || !sodium.crypto_core_ed25519_is_valid_point(point)) {
    throw new Refusal("group.bad_point");
  }
  return point;
}

/**
 * Return the scalar if it is reduced modulo the order and not zero; `group.bad_scalar`.
 * @param {Uint8Array} scalar
 */
export function checkScalar(scalar) {
  const right = scalar.length === 32 && sodium.memcmp(reduce(concat(scalar, ZERO)), scalar);
  if (!right || sodium.is_zero(scalar)) throw new Refusal("group.bad_scalar");
  return scalar;
}

/**
 * Return a uniform scalar, never zero: 64 random bytes reduced modulo the order.
 * @param {(size: number) => Uint8Array} random
 */
export function randomScalar(random) {
  return checkScalar(reduce(random(64)));
}

/**
 * Return a public non-negative integer below 2^32 as a scalar (an index, never a secret).
 * @param {number} number
 */
export function smallScalar(number) {
  const scalar = new Uint8Array(32);
  new DataView(scalar.buffer).setUint32(0, number, true);
  return scalar;
}

/**
 * Return scalar·B; `group.bad_scalar` for zero.
 * @param {Uint8Array} scalar
 */
export function baseMult(scalar) {
  return attempt("group.bad_scalar", {}, () => sodium.crypto_scalarmult_ed25519_base_noclamp(scalar));
}

/**
 * Return scalar·point; libsodium itself refuses what `checkPoint` refuses: `group.bad_point`.
 * @param {Uint8Array} scalar
 * @param {Uint8Array} point
 */
export function mult(scalar, point) {
  return attempt("group.bad_point", {}, () => sodium.crypto_scalarmult_ed25519_noclamp(scalar, point));
}

/**
 * Return left + right, which may be the identity; `group.bad_point` for what is not on the curve.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export function add(left, right) {
  return attempt("group.bad_point", {}, () => sodium.crypto_core_ed25519_add(left, right));
}

/**
 * Return left − right, which may be the identity; `group.bad_point` for what is not on the curve.
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
function sub(left, right) {
  return attempt("group.bad_point", {}, () => sodium.crypto_core_ed25519_sub(left, right));
}

/** Return left + right modulo the order. */
export const scalarAdd = (/** @type {Uint8Array} */ left, /** @type {Uint8Array} */ right) =>
  sodium.crypto_core_ed25519_scalar_add(left, right);

/** Return left − right modulo the order. */
export const scalarSub = (/** @type {Uint8Array} */ left, /** @type {Uint8Array} */ right) =>
  sodium.crypto_core_ed25519_scalar_sub(left, right);

/** Return left · right modulo the order. */
export const scalarMul = (/** @type {Uint8Array} */ left, /** @type {Uint8Array} */ right) =>
  sodium.crypto_core_ed25519_scalar_mul(left, right);

/** Return 1/scalar modulo the order; `group.bad_scalar` for zero. */
export const scalarInvert = (/** @type {Uint8Array} */ scalar) =>
  attempt("group.bad_scalar", {}, () => sodium.crypto_core_ed25519_scalar_invert(scalar));

/**
 * Return 64 bytes, little-endian, reduced modulo the order.
 * @param {Uint8Array} wide
 */
export function reduce(wide) {
  return sodium.crypto_core_ed25519_scalar_reduce(wide);
}

/**
 * Return SHA-512(domain ‖ for each part: u32 big-endian length ‖ part) reduced; `domain` ends with a zero byte.
 * @param {Uint8Array} domain
 * @param {...Uint8Array} parts
 */
function hashToScalar(domain, ...parts) {
  return reduce(sodium.crypto_hash_sha512(concat(domain, ...parts.flatMap((part) => [u32(part.length), part]))));
}

/**
 * Prove that secret·B = point is known, bound to `context`: challenge ‖ response, 64 bytes (Schnorr).
 *
 * The nonce is hashed from secret, statement and fresh random: a weak generator does not give the secret away.
 * @param {Uint8Array} secret
 * @param {Uint8Array} point
 * @param {Uint8Array} context
 * @param {(size: number) => Uint8Array} random
 */
export function proveKnowledge(secret, point, context, random) {
  const nonce = hashToScalar(NONCE, secret, random(64), KNOWLEDGE, point, context);
  const challenge = hashToScalar(KNOWLEDGE, context, point, baseMult(nonce));
  return concat(challenge, scalarAdd(nonce, scalarMul(challenge, secret)));
}

/**
 * Check a proof of `proveKnowledge`; `group.bad_point`, `group.bad_proof`.
 * @param {Uint8Array} point
 * @param {Uint8Array} proof
 * @param {Uint8Array} context
 */
export function verifyKnowledge(point, proof, context) {
  checkPoint(point);
  const [challenge, response] = split(proof);
  const commitment = sub(baseMult(response), mult(challenge, point));
  compare(challenge, hashToScalar(KNOWLEDGE, context, point, commitment));
}

/**
 * Prove log_B(secret·B) = log_point(image), where image = secret·point: challenge ‖ response (Chaum-Pedersen).
 * @param {Uint8Array} secret
 * @param {Uint8Array} point
 * @param {Uint8Array} image
 * @param {Uint8Array} context
 * @param {(size: number) => Uint8Array} random
 */
export function proveEqual(secret, point, image, context, random) {
  const known = baseMult(secret);
  const nonce = hashToScalar(NONCE, secret, random(64), EQUALITY, known, point, image, context);
  const challenge = hashToScalar(EQUALITY, context, known, point, image, baseMult(nonce), mult(nonce, point));
  return concat(challenge, scalarAdd(nonce, scalarMul(challenge, secret)));
}

/**
 * Check that `image` is to `point` as `known` is to B; `group.bad_point`, `group.bad_proof`.
 * @param {Uint8Array} known
 * @param {Uint8Array} point
 * @param {Uint8Array} image
 * @param {Uint8Array} proof
 * @param {Uint8Array} context
 */
export function verifyEqual(known, point, image, proof, context) {
  for (const element of [known, point, image]) checkPoint(element);
  const [challenge, response] = split(proof);
  const first = sub(baseMult(response), mult(challenge, known));
  const second = sub(mult(response, point), mult(challenge, image));
  compare(challenge, hashToScalar(EQUALITY, context, known, point, image, first, second));
}

/** Refuse a proof that is not two reduced scalars: each proof has one encoding. */
function split(/** @type {Uint8Array} */ proof) {
  if (proof.length !== PROOF_BYTES) throw new Refusal("group.bad_proof");
  return attempt("group.bad_proof", {}, () => [checkScalar(proof.subarray(0, 32)), checkScalar(proof.subarray(32))]);
}

function compare(/** @type {Uint8Array} */ claimed, /** @type {Uint8Array} */ computed) {
  if (!sodium.memcmp(claimed, computed)) throw new Refusal("group.bad_proof");
}
