/**
 * The boxes that carry shares from a dealer to a custodian, and the evidence that opens one before everybody.
 *
 * The shared point is S = e·P = d·E, of the dealer's ephemeral key (e, E) and the custodian's device key (d, P). The
 * same bytes as bidding/keybox.py; docs/spec/opening-key.md, "Boxes".
 */
import { concat, utf8 } from "./bytes.js";
import * as group from "./group.js";
import { Refusal } from "./refusal.js";
import { sodium } from "./sodium.js";

export const TAG_BYTES = 16;
const PREFIX = utf8("ggzy/key-box/v1\0");
const EVIDENCE = utf8("ggzy/key-box-evidence/v1\0");

/**
 * The public sides of one box: session context, the dealer's ephemeral and device keys, the custodian's device key.
 * @typedef {{context: Uint8Array, ephemeral: Uint8Array, dealer: Uint8Array, custodian: Uint8Array}} Pair
 */

/**
 * Encrypt to the custodian of the pair; the result is 16 bytes longer.
 * @param {Pair} pair
 * @param {Uint8Array} ephemeralSecret
 * @param {Uint8Array} plaintext
 */
export function seal(pair, ephemeralSecret, plaintext) {
  const [key, nonce] = derive(pair, group.mult(ephemeralSecret, pair.custodian));
  return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, null, null, nonce, key);
}

/**
 * Return S = d·E on the custodian's device.
 * @param {Pair} pair
 * @param {import("./signed.js").Device} device
 */
export function sharedPoint(pair, device) {
  return group.mult(deviceScalar(device), group.checkPoint(pair.ephemeral));
}

/**
 * Decrypt with the shared point; `keymaking.box_does_not_open`.
 * @param {Pair} pair
 * @param {Uint8Array} shared
 * @param {Uint8Array} box
 */
export function openWith(pair, shared, box) {
  const [key, nonce] = derive(pair, shared);
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, box, null, nonce, key);
  } catch {
    throw new Refusal("keymaking.box_does_not_open");
  }
}

/**
 * Return the shared point and the proof that it belongs to the custodian's device key.
 * @param {Pair} pair
 * @param {import("./signed.js").Device} device
 * @param {(size: number) => Uint8Array} random
 */
export function reveal(pair, device, random) {
  const shared = sharedPoint(pair, device);
  const bound = concat(EVIDENCE, pair.context);
  return { shared, proof: group.proveEqual(deviceScalar(device), pair.ephemeral, shared, bound, random) };
}

/**
 * Check what `reveal` gave against the custodian's device key; `group.bad_point`, `group.bad_proof`.
 * @param {Pair} pair
 * @param {Uint8Array} shared
 * @param {Uint8Array} proof
 */
export function checkRevealed(pair, shared, proof) {
  group.verifyEqual(pair.custodian, pair.ephemeral, shared, proof, concat(EVIDENCE, pair.context));
}

/**
 * Return the secret scalar of an Ed25519 device key (RFC 8032 section 5.1.5), reduced modulo the group's order.
 * @param {import("./signed.js").Device} device
 */
function deviceScalar(device) {
  return group.reduce(concat(sodium.crypto_sign_ed25519_sk_to_curve25519(device.privateKey), group.ZERO));
}

/** Return the 32-byte key and 24-byte nonce: SHA-512 of what cocktail-dkg's H6 takes, under our prefix. */
function derive(/** @type {Pair} */ pair, /** @type {Uint8Array} */ shared) {
  const length = Uint8Array.of(pair.context.length, 0, 0, 0, 0, 0, 0, 0); // u64, little-endian
  const sides = concat(PREFIX, shared, pair.ephemeral, pair.dealer, pair.custodian, length, pair.context);
  const derived = sodium.crypto_hash_sha512(sides);
  return [derived.subarray(0, 32), derived.subarray(32, 56)];
}
