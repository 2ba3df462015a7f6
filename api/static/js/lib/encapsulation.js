/**
 * From the opening key to the payload key: encapsulation, key schedule, key commitment (docs/spec/sealing.md, 4).
 *
 * The sealer knows r with U = rB and K = rY; custodians find the same K from U. Everything derived is bound to the
 * header's hash. The same bytes as bidding/encapsulation.py. libsodium must be `ready`.
 */
import { attempt } from "./attempt.js";
import { concat, utf8, wipe, xor } from "./bytes.js";
import * as group from "./group.js";
import { Refusal, require } from "./refusal.js";
import { sodium } from "./sodium.js";

const PROOF = utf8("ggzy/encapsulation/v1\0");
const ENVELOPE = utf8("ggzy/envelope/v1\0");
const PAYLOAD = utf8("ggzy/payload/v1\0");
const BIDDER = utf8("ggzy/bidder-secret/v1\0");
const WRAP = utf8("ggzy/wrap/v1\0");

/**
 * @typedef {{scalar: Uint8Array, point: Uint8Array, shared: Uint8Array}} Encapsulation r, U and K; kept only while sealing
 * @typedef {{proof: Uint8Array, commitment: Uint8Array, wrap: Uint8Array | null}} Preamble what stands beside a header
 * @typedef {Pick<import("./header.js").Header, "policy" | "point"> & {kind: string}} Header of a bid, or of what is sealed like one
 */

/**
 * Draw r for the opening key Y.
 * @param {Uint8Array} openingKey
 * @param {(size: number) => Uint8Array} random
 * @returns {Encapsulation}
 * @throws {Refusal} `bid.bad_opening_key`
 */
export function encapsulate(openingKey, random) {
  const scalar = group.randomScalar(random);
  const shared = attempt("bid.bad_opening_key", {}, () => group.mult(scalar, group.checkPoint(openingKey)));
  return { scalar, point: group.baseMult(scalar), shared };
}

/**
 * Return the payload key of a header that carries U, and its preamble. What was drawn is wiped.
 * @param {Header} header
 * @param {Uint8Array} headerHash
 * @param {Encapsulation} drawn
 * @param {Uint8Array} secret the bidder's secret of this envelope (`bidderSecret`)
 * @param {(size: number) => Uint8Array} random
 * @returns {{key: Uint8Array, preamble: Preamble}}
 */
export function bind(header, headerHash, drawn, secret, random) {
  const envelope = envelopeSecret(header.policy, headerHash, drawn.shared, secret);
  const { key, commitment } = payloadKeys(envelope);
  const wrap = header.policy === "quorum_or_bidder" ? xor(envelope, derive(secret, WRAP, headerHash)) : null;
  const proof = group.proveKnowledge(drawn.scalar, drawn.point, concat(PROOF, headerHash), random);
  wipe(drawn.scalar, drawn.shared, envelope);
  return { key, preamble: { proof, commitment, wrap } };
}

/**
 * Check U, its proof, and that there is a wrap where there must be.
 * @param {Header} header
 * @param {Uint8Array} headerHash
 * @param {Preamble} preamble
 * @throws {Refusal} `bid.bad_wrap`, `bid.bad_point`, `bid.bad_proof`
 */
export function verify(header, headerHash, preamble) {
  const told = { envelope: header.kind };
  require((preamble.wrap !== null) === (header.policy === "quorum_or_bidder"), "bid.bad_wrap", told);
  attempt("bid.bad_point", told, () => group.checkPoint(header.point));
  const context = concat(PROOF, headerHash);
  attempt("bid.bad_proof", told, () => group.verifyKnowledge(header.point, preamble.proof, context));
}

/**
 * The bidder's secret of one envelope, from the 32-byte secret of their key file; it says nothing about other envelopes.
 * @param {Uint8Array} master
 * @param {Uint8Array} headerHash
 * @returns {Uint8Array}
 */
export function bidderSecret(master, headerHash) {
  return derive(master, BIDDER, headerHash);
}

/**
 * Return the payload key from K, with the bidder's secret if the policy is quorum_and_bidder.
 * @param {Header} header
 * @param {Uint8Array} headerHash
 * @param {Preamble} preamble
 * @param {Uint8Array} shared K
 * @param {Uint8Array | null} [secret]
 * @returns {Uint8Array}
 * @throws {Refusal} `bid.bidder_secret_missing`, `bid.bad_commitment`
 */
export function unlock(header, headerHash, preamble, shared, secret = null) {
  return committed(envelopeSecret(header.policy, headerHash, shared, secret), header, preamble);
}

/**
 * Return the payload key from the bidder's secret alone, where the policy is quorum_or_bidder.
 * @param {Header} header
 * @param {Uint8Array} headerHash
 * @param {Preamble} preamble
 * @param {Uint8Array} secret
 * @returns {Uint8Array}
 * @throws {Refusal} `bid.needs_quorum`, `bid.bad_commitment`
 */
export function unlockAlone(header, headerHash, preamble, secret) {
  if (header.policy !== "quorum_or_bidder" || preamble.wrap === null) {
    throw new Refusal("bid.needs_quorum", { envelope: header.kind });
  }
  return committed(xor(preamble.wrap, derive(secret, WRAP, headerHash)), header, preamble);
}

/** @param {Header["policy"]} policy @param {Uint8Array} headerHash @param {Uint8Array} shared @param {Uint8Array | null} secret */
function envelopeSecret(policy, headerHash, shared, secret) {
  if (policy !== "quorum_and_bidder") return derive(shared, ENVELOPE, headerHash);
  if (secret === null || secret.length !== 32) throw new Refusal("bid.bidder_secret_missing");
  return derive(concat(shared, secret), ENVELOPE, headerHash);
}

/** @param {Uint8Array} envelope the secret of an envelope @param {Header} header @param {Preamble} preamble */
function committed(envelope, header, preamble) {
  const { key, commitment } = payloadKeys(envelope);
  require(sodium.memcmp(commitment, preamble.commitment), "bid.bad_commitment", { envelope: header.kind });
  return key;
}

/** @param {Uint8Array} envelope the secret of an envelope */
function payloadKeys(envelope) {
  const first = expand(envelope, PAYLOAD, new Uint8Array(), 1);
  return { key: first, commitment: expand(envelope, PAYLOAD, first, 2) };
}

/**
 * HKDF-SHA256 (RFC 5869) without salt, 32 bytes: one block of its expansion.
 * @param {Uint8Array} material
 * @param {Uint8Array} label
 * @param {Uint8Array} headerHash
 */
function derive(material, label, headerHash) {
  const extracted = sodium.crypto_auth_hmacsha256(material, new Uint8Array(32));
  return expand(extracted, concat(label, headerHash), new Uint8Array(), 1);
}

/**
 * Block `number` of HKDF-Expand, which follows on `before`.
 * @param {Uint8Array} key
 * @param {Uint8Array} info
 * @param {Uint8Array} before
 * @param {number} number
 */
function expand(key, info, before, number) {
  return sodium.crypto_auth_hmacsha256(concat(before, info, new Uint8Array([number])), key);
}
