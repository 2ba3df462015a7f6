/**
 * A participant's nonce in a draw of experts: committed to, signed, sealed to the lot's opening key; revealed; and a
 * custodian's share of a withheld one. The same bytes as experts/nonce.py; docs/spec/draw.md.
 */
import { concat, hex, unhex, utf8 } from "./bytes.js";
import * as canonical from "./canonical.js";
import { sha256 } from "./merkle.js";
import * as opening from "./opening.js";
import { Refusal } from "./refusal.js";
import * as sealedSecret from "./sealed_secret.js";
import * as shape from "./shape.js";
import * as signed from "./signed.js";
import * as moment from "./verify/moment.js";

export const NONCE_SIZE = 32;
const COMMITMENT = "ggzy/draw-commitment/v1";
const REVEAL = "ggzy/draw-reveal/v1";
const SHARE = "ggzy/draw-share/v1";
const MAX_MESSAGE = 8192;
const SEED = utf8("ggzy/draw-seed/v1\0");
const NONCE = utf8("ggzy/draw-nonce/v1\0");

const COMMITTED = shape.object({
  format: shape.oneOf(COMMITMENT),
  draw: shape.identifier,
  tender: shape.identifier,
  lot: shape.identifier,
  round: shape.whole(Number.MIN_SAFE_INTEGER),
  role: shape.oneOf("centre", "purchaser", "supervisor"),
  roster: shape.hash,
  release: shape.time,
  key: shape.hash,
  commitment: shape.hash,
  sealed: shape.bytes,
});

/**
 * What a participant needs to know of a draw; `roster` in hex, `release` canonical text, `key` the lot's opening key.
 * @typedef {{draw: string, tender: string, lot: string, round: number, roster: string, release: string,
 *   key: {publicKey: Uint8Array, keyHash: Uint8Array}}} Plan
 */
/**
 * @typedef {{format: string, draw: string, tender: string, lot: string, round: number, role: string, roster: string,
 *   release: string, key: string, commitment: string, sealed: string}} Commitment
 */

/**
 * Return the signed commitment message of a 32-byte nonce.
 * @param {Plan} plan
 * @param {string} role centre, purchaser or supervisor
 * @param {Uint8Array} nonce
 * @param {import("./signed.js").Device} device
 * @param {(size: number) => Uint8Array} random
 * @returns {Promise<Uint8Array>}
 */
export async function commit(plan, role, nonce, device, random) {
  const { draw, tender, lot, round, roster, release, key } = plan;
  const commitment = hex(sha256(concat(NONCE, identifier(draw), utf8(`${role}\0`), nonce)));
  const place = { draw, lot, release, role, roster, round, tender };
  const fields = { ...place, commitment, format: COMMITMENT, key: hex(key.keyHash) };
  const terms = { context: canonical.encode(fields), release: instant(release) };
  const sealed = await sealedSecret.seal(nonce, key, terms, random);
  return signed.write({ ...fields, sealed: hex(sealed) }, device);
}

/**
 * Parse a commitment, check its signature and the sealed nonce's proof and binding.
 *
 * Refusals: `draw.bad_commitment`, `signed.bad_signature`, those of `sealedSecret.check`.
 * @param {Uint8Array} message
 * @param {Uint8Array} deviceKey
 * @returns {Commitment}
 */
export function read(message, deviceKey) {
  let parsed;
  try {
    parsed = signed.read(message, COMMITMENT, MAX_MESSAGE);
  } catch {
    throw new Refusal("draw.bad_commitment");
  }
  if (!COMMITTED(parsed.fields)) throw new Refusal("draw.bad_commitment");
  signed.verify(parsed, deviceKey);
  const commitment = /** @type {Commitment} */ (parsed.fields);
  checkSealed(commitment);
  return commitment;
}

/**
 * Return the hex digest that names a seed: the note of `draw.fixed` and the beacon's signature (hex), if one was named.
 * @param {string} draw
 * @param {string} checkpoint
 * @param {string | null} beacon
 */
export function seedDigest(draw, checkpoint, beacon) {
  return hex(sha256(concat(SEED, canonical.encode({ beacon, checkpoint, draw }))));
}

/**
 * Return the signed reveal of a nonce for a seed (hex). A device must never sign a second seed for a draw.
 * @param {string} draw
 * @param {Uint8Array} nonce
 * @param {string} seed
 * @param {import("./signed.js").Device} device
 */
export function reveal(draw, nonce, seed, device) {
  return signed.write({ draw, format: REVEAL, nonce: hex(nonce), seed }, device);
}

/**
 * Return a custodian's signed share for a sealed nonce, made for one seed only.
 *
 * `now` is a trusted time in microseconds. Refusals: `draw.not_released` before the release time, `draw.other_key`.
 * @param {Commitment} commitment
 * @param {import("./transcript.js").OpeningKey} key
 * @param {{custodian: number, share: Uint8Array, device: import("./signed.js").Device}} own
 * @param {{seed: string, now: bigint}} facts
 * @param {(size: number) => Uint8Array} random
 */
export function answer(commitment, key, { custodian, share, device }, { seed, now }, random) {
  if (now < instant(commitment.release)) throw new Refusal("draw.not_released", { release: commitment.release });
  if (commitment.key !== hex(key.keyHash)) throw new Refusal("draw.other_key");
  const sealed = checkSealed(commitment);
  const context = opening.shareContext(key.keyHash, sealed.headerHash, custodian);
  const { image, proof } = opening.partial(share, sealed.point, context, random);
  const { draw, role } = commitment;
  const fields = { custodian, draw, format: SHARE, partial: hex(image), proof: hex(proof), role, seed };
  return signed.write(fields, device);
}

function checkSealed(/** @type {Commitment} */ commitment) {
  const { sealed: content, ...fields } = commitment;
  const sealed = sealedSecret.parse(unhex(content));
  const release = instant(commitment.release);
  sealedSecret.check(sealed, { key: commitment.key, context: canonical.encode(fields), release });
  return sealed;
}

function identifier(/** @type {string} */ uuid) {
  return unhex(uuid.replaceAll("-", ""));
}

function instant(/** @type {string} */ text) {
  const read = moment.parse(text);
  if (read === null) throw new Refusal("draw.bad_commitment");
  return read;
}
