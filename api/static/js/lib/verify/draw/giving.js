/**
 * How nonces were given for a seed: by their owners' signed reveals, or by a quorum of custodians from what was sealed.
 *
 * The checking side of experts/nonce.py; docs/spec/draw.md, "Commitments". libsodium must be `ready`.
 */

import { concat, equal, hex, unhex, unshared, utf8 } from "../../bytes.js";
import * as canonical from "../../canonical.js";
import * as opening from "../../opening.js";
import { Refusal } from "../../refusal.js";
import * as sealedSecrets from "../../sealed_secret.js";
import * as shape from "../../shape.js";
import * as signed from "../../signed.js";
import { sodium } from "../../sodium.js";
import { commitNonce } from "./selection.js";

const REVEAL = "ggzy/draw-reveal/v1";
const SHARE = "ggzy/draw-share/v1";
const MAX_MESSAGE = 8192;
const SIDES = ["centre", "purchaser", "supervisor"];
const COMMITMENT_AT = 177; // magic, version, context, release, key, point, proof stand before it
const BODY_AT = COMMITMENT_AT + 32;
const ENVELOPE = utf8("ggzy/envelope/v1\0");
const PAYLOAD = utf8("ggzy/payload/v1\0");
const ONLY_RECORD = Uint8Array.from([...new Uint8Array(11), 1]);
const SHAPES = {
  [REVEAL]: shape.object({ format: shape.oneOf(REVEAL), draw: shape.identifier, nonce: shape.hash, seed: shape.hash }),
  [SHARE]: shape.object({
    format: shape.oneOf(SHARE),
    draw: shape.identifier,
    seed: shape.hash,
    role: shape.oneOf(...SIDES),
    custodian: shape.whole(Number.MIN_SAFE_INTEGER),
    partial: shape.hash,
    proof: shape.pair,
  }),
};

/** @typedef {import("../../nonce.js").Commitment} Commitment */
/** @typedef {import("../../transcript.js").OpeningKey} OpeningKey */

/**
 * Return the nonce of a reveal by the device that committed, for this seed (hex).
 * Refusals: `draw.bad_reveal`, `signed.bad_signature`, `draw.other_seed`, `draw.wrong_nonce`.
 * @param {any} message
 * @param {Commitment} commitment
 * @param {Uint8Array} device
 * @param {string} seed
 * @returns {Uint8Array}
 */
export function revealed(message, commitment, device, seed) {
  const parsed = read(message, REVEAL, "draw.bad_reveal");
  signed.verify(parsed, device);
  if (parsed.fields.draw !== commitment.draw) throw new Refusal("draw.bad_reveal");
  if (parsed.fields.seed !== seed) throw new Refusal("draw.other_seed");
  return checked(commitment, unhex(parsed.fields.nonce));
}

/**
 * Return the nonce that the shares of a quorum give for this seed, which opens its commitment.
 * Refusals: `draw.other_key`, `draw.bad_share` naming the custodian, `draw.other_seed`, `opening.too_few_shares`,
 * `bid.bad_commitment`, `bid.bad_record`, `secret.malformed`, `draw.wrong_nonce`.
 * @param {any[]} messages
 * @param {Commitment} commitment
 * @param {OpeningKey} key
 * @param {string} seed
 * @returns {Promise<Uint8Array>}
 */
export async function recovered(messages, commitment, key, seed) {
  const images = new Map(messages.map((message) => share(message, commitment, key, seed)));
  const shared = opening.combine(images, key.threshold);
  return checked(commitment, await open(unhex(commitment.sealed), shared));
}

/**
 * @param {any} message
 * @param {Commitment} commitment
 * @param {OpeningKey} key
 * @param {string} seed
 * @returns {[number, Uint8Array]}
 */
function share(message, commitment, key, seed) {
  if (commitment.key !== hex(key.keyHash)) throw new Refusal("draw.other_key");
  const parsed = read(message, SHARE, "draw.bad_commitment");
  const { draw, role, custodian, partial, proof } = parsed.fields;
  const owner = key.custodians[custodian - 1];
  if (draw !== commitment.draw || role !== commitment.role || !owner)
    throw new Refusal("draw.bad_share", { custodian });
  signed.verify(parsed, unhex(owner.device_key));
  if (parsed.fields.seed !== seed) throw new Refusal("draw.other_seed");
  const sealed = sealedSecrets.parse(unhex(commitment.sealed));
  const context = opening.shareContext(key.keyHash, sealed.headerHash, custodian);
  try {
    opening.checkPartial(key.verificationShares[custodian - 1], sealed.point, unhex(partial), unhex(proof), context);
  } catch (error) {
    throw error instanceof Refusal ? new Refusal("draw.bad_share", { custodian }) : error;
  }
  return [custodian, unhex(partial)];
}

/**
 * Return what was sealed under K (docs/spec/sealing.md, section 9).
 * @param {Uint8Array} data
 * @param {Uint8Array} shared
 */
async function open(data, shared) {
  const { headerHash } = sealedSecrets.parse(data);
  const extracted = sodium.crypto_auth_hmacsha256(shared, new Uint8Array(32));
  const envelope = expand(extracted, concat(ENVELOPE, headerHash), new Uint8Array(), 1);
  const key = expand(envelope, PAYLOAD, new Uint8Array(), 1);
  if (!equal(expand(envelope, PAYLOAD, key, 2), data.slice(COMMITMENT_AT, BODY_AT)))
    throw new Refusal("bid.bad_commitment", { envelope: "secret" });
  const plain = await decrypt(key, data.slice(BODY_AT));
  const size = plain[0] * 256 + plain[1];
  if (size > plain.length - 2 || plain.subarray(2 + size).some((byte) => byte)) throw new Refusal("secret.malformed");
  return plain.slice(2, 2 + size);
}

/** @param {Uint8Array} key @param {Uint8Array} record */
async function decrypt(key, record) {
  const imported = await crypto.subtle.importKey("raw", unshared(key), "AES-GCM", false, ["decrypt"]);
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: ONLY_RECORD }, imported, unshared(record)));
  } catch {
    throw new Refusal("bid.bad_record");
  }
}

/**
 * Block `number` of HKDF-Expand, which follows on `before`.
 * @param {Uint8Array} key
 * @param {Uint8Array} info
 * @param {Uint8Array} before
 * @param {number} number
 */
function expand(key, info, before, number) {
  return sodium.crypto_auth_hmacsha256(concat(before, info, Uint8Array.of(number)), key);
}

/** @param {Commitment} commitment @param {Uint8Array} nonce */
function checked(commitment, nonce) {
  const { draw, role } = commitment;
  if (hex(commitNonce(draw, role, nonce)) !== commitment.commitment) throw new Refusal("draw.wrong_nonce", { role });
  return nonce;
}

/** @param {any} message @param {keyof typeof SHAPES} format @param {string} code */
function read(message, format, code) {
  try {
    const parsed = signed.read(canonical.encode(message), format, MAX_MESSAGE);
    if (SHAPES[format](parsed.fields)) return parsed;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  throw new Refusal(code);
}
