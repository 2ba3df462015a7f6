/**
 * What a custodian's key file remembers beside its keys, in the bytes of api/custody.py and api/drawing.py: shares by
 * transcript, the newest deadline seen of each lot, the one request answered for a lot and stage, nonces and seeds.
 *
 * All functions are pure: they take secrets (a Map by name) and return other secrets, which are to be kept before
 * anything that depends on them is sent.
 */
import { concat, equal, hex, integer, u64, unhex } from "./bytes.js";
import { withSecret } from "./keyfile.js";
import { Refusal } from "./refusal.js";

const DEADLINES = "deadlines";
const ANSWERED = "answered";
const LOT = 16;
const DEADLINE = LOT + 8;
const ANSWER = LOT + 1 + 32;

/** @typedef {import("./keyfile.js").Secrets} Secrets */

/**
 * Return the secrets with a custodian's number and shares of a whole batch.
 * @param {Secrets} secrets
 * @param {Uint8Array} transcript its hash
 * @param {{index: number, shares: Uint8Array[]}} received
 */
export function withShares(secrets, transcript, { index, shares }) {
  return withSecret(secrets, sharesName(transcript), concat(Uint8Array.of(index), ...shares));
}

/**
 * Tell whether there are shares of the batch with this transcript hash.
 * @param {Secrets} secrets
 * @param {Uint8Array} transcript
 */
export function hasShares(secrets, transcript) {
  return secrets.has(sharesName(transcript));
}

/**
 * Return this custodian's number, and their share of a key by its place in the transcript; `custody.no_share`.
 * @param {Secrets} secrets
 * @param {Uint8Array} transcript
 * @param {number} number
 */
export function shareOf(secrets, transcript, number) {
  const kept = secrets.get(sharesName(transcript)) ?? new Uint8Array();
  const share = kept.slice(1 + 32 * number, 33 + 32 * number);
  if (share.length !== 32) throw new Refusal("custody.no_share");
  return { index: kept[0], share };
}

/**
 * Return the newest deadline (microseconds) that is remembered of a lot, or null.
 * @param {Secrets} secrets
 * @param {string} lot
 */
export function newestSeen(secrets, lot) {
  const found = cut(secrets, DEADLINES, DEADLINE).find((one) => equal(one.subarray(0, LOT), identifier(lot)));
  return found ? integer(found.subarray(LOT)) : null;
}

/**
 * Return the secrets remembering a deadline, never an earlier one than before.
 * @param {Secrets} secrets
 * @param {string} lot
 * @param {bigint} deadline
 */
export function withDeadline(secrets, lot, deadline) {
  const known = newestSeen(secrets, lot);
  const newest = known !== null && known > deadline ? known : deadline;
  const entry = concat(identifier(lot), u64(newest));
  const all = cut(secrets, DEADLINES, DEADLINE);
  const at = all.findIndex((one) => equal(one.subarray(0, LOT), identifier(lot)));
  const kept = at < 0 ? [...all, entry] : all.with(at, entry);
  return new Map([...secrets, [DEADLINES, concat(...kept)]]);
}

/**
 * Return the secrets bound to this request for its lot and stage; `custodian.other_request` if they are to another.
 *
 * So bids that were left out of an opening (withdrawn, replaced, swapped) cannot be sent after it.
 * @param {Secrets} secrets
 * @param {{lot: string, stage: number, question: {request: Uint8Array}}} examined
 */
export function bound(secrets, { lot, stage, question }) {
  const place = concat(identifier(lot), Uint8Array.of(stage));
  const all = cut(secrets, ANSWERED, ANSWER);
  const found = all.find((one) => equal(one.subarray(0, place.length), place));
  if (found && !equal(found.subarray(place.length), question.request)) throw new Refusal("custodian.other_request");
  if (found) return secrets;
  return new Map([...secrets, [ANSWERED, concat(...all, place, question.request)]]);
}

/** Return under which name a key file keeps the nonce of a draw. */
export const nonceName = (/** @type {string} */ draw) => `draw-nonce:${draw}`;

/**
 * Return the secrets bound to one seed (hex digest) of a draw; `draw.other_seed` if they are to another.
 * @param {Secrets} secrets
 * @param {string} draw
 * @param {string} seed
 */
export function withSeed(secrets, draw, seed) {
  const name = `draw-seed:${draw}`;
  const known = secrets.get(name);
  if (known && hex(known) !== seed) throw new Refusal("draw.other_seed");
  return withSecret(secrets, name, unhex(seed));
}

/**
 * Return the secrets of two copies of one key file together; `keyfile.repeated_secret` where they contradict each other.
 *
 * Deadlines are the newest of both; answers are those of both.
 * @param {Secrets} kept
 * @param {Secrets} chosen
 */
export function joined(kept, chosen) {
  let all = kept;
  for (const [name, value] of chosen) {
    if (name !== DEADLINES && name !== ANSWERED) all = withSecret(all, name, value);
  }
  for (const one of cut(chosen, DEADLINES, DEADLINE)) {
    all = withDeadline(all, written(one.subarray(0, LOT)), integer(one.subarray(LOT)));
  }
  for (const one of cut(chosen, ANSWERED, ANSWER)) {
    const request = one.slice(LOT + 1);
    all = bound(all, { lot: written(one.subarray(0, LOT)), stage: one[LOT], question: { request } });
  }
  return all;
}

function sharesName(/** @type {Uint8Array} */ transcript) {
  return `shares:${hex(transcript)}`;
}

/** @returns {Uint8Array[]} the entries of a packed secret, each of `size` bytes */
function cut(/** @type {Secrets} */ secrets, /** @type {string} */ name, /** @type {number} */ size) {
  const packed = secrets.get(name) ?? new Uint8Array();
  return Array.from({ length: packed.length / size }, (_, at) => packed.slice(at * size, (at + 1) * size));
}

function identifier(/** @type {string} */ uuid) {
  return unhex(uuid.replaceAll("-", ""));
}

function written(/** @type {Uint8Array} */ id) {
  return hex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
