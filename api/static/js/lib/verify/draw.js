/**
 * Replaying a draw of experts: the recipe of docs/spec/draw.md, "Verification"; the numbers are the same.
 *
 * libsodium must be `ready`.
 */

import { equal, hex, unhex } from "../bytes.js";
import * as canonical from "../canonical.js";
import { leafHash, sha256, verifyConsistency, verifyInclusion } from "../merkle.js";
import * as nonces from "../nonce.js";
import { Refusal } from "../refusal.js";
import * as shape from "../shape.js";
import { verify as verifyKey } from "../transcript.js";
import * as giving from "./draw/giving.js";
import * as quotas from "./draw/quota.js";
import * as roster from "./draw/roster.js";
import { Calls, drawer, extract } from "./draw/selection.js";
import * as events from "./event.js";
import * as notes from "./note.js";
import { marked, step } from "./steps.js";
import { reading } from "./strict.js";

export const FORMAT = "ggzy/draw/v1";
const MAX_BYTES = 512 << 20;
const ROLES = ["centre", "purchaser", "supervisor"];
const ENTRY = shape.object({
  event: shape.record,
  salt: shape.hash,
  index: shape.whole(0),
  path: shape.list(shape.hash, 0, 63),
});
const NAME = shape.object({
  code: shape.hash,
  salt: shape.hash,
  expert: () => true,
  name: (value) => typeof value === "string",
  employer: (value) => typeof value === "string",
});
const TRANSCRIPT = shape.object({
  format: shape.oneOf(FORMAT),
  seed: shape.text(1, 65536),
  head: shape.text(1, 65536),
  consistency: shape.list(shape.hash, 0, 64),
  entries: shape.list(ENTRY, 1, 10_000),
  roster: shape.list((value) => typeof value === "string"),
  members: shape.list(shape.hash),
  names: shape.nullable(shape.list(NAME)),
  key: shape.nullable(shape.record),
});

/**
 * What the steps have established so far.
 * @typedef {{written: any, key: notes.Key, seed: notes.Checkpoint, head: notes.Checkpoint, events: events.Event[],
 *   prepared: any, quotas: quotas.Quota[], entries: roster.Entry[], commitments: Map<string, nonces.Commitment>,
 *   devices: Map<string, Uint8Array>, named: string, beacon: Uint8Array, prk: Uint8Array, calls: Calls}} Replay
 */

/**
 * Replay a transcript against the log's key, telling each step as it holds; the refusal is the first thing wrong.
 * @param {Uint8Array} data
 * @param {notes.Key} key
 * @param {(held: import("./steps.js").Step) => void} tell
 */
export async function check(data, key, tell) {
  const written = reading("draw.bad_transcript", () => canonical.decode(data));
  if (data.length > MAX_BYTES || !TRANSCRIPT(written)) throw new Refusal("draw.bad_transcript");
  const replay = /** @type {Replay} */ ({ written, key });
  tell(step(1, "form", String(data.length)));
  for (const [at, [name, work]] of RECIPE.entries()) tell(step(at + 2, name, await held(work, replay, at + 2)));
}

/**
 * Run one step; JSON of another shape than the step needs is a malformed transcript.
 * @param {(replay: Replay) => string | Promise<string>} work
 * @param {Replay} replay
 * @param {number} number
 */
async function held(work, replay, number) {
  try {
    return await work(replay);
  } catch (error) {
    const shapeless = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
    const unreadable = error instanceof Refusal && /^(bytes|canonical)\./.test(error.code);
    throw shapeless || unreadable ? new Refusal("draw.bad_transcript", { step: number }) : error;
  }
}

/** 2. Seed and head bear the log's signature, and the head extends the seed. @param {Replay} replay */
function checkpoints(replay) {
  const { written, key } = replay;
  replay.seed = notes.checkCheckpoint(written.seed, key);
  replay.head = notes.checkCheckpoint(written.head, key);
  const path = written.consistency.map(unhex);
  verifyConsistency(replay.seed.size, replay.seed.root, replay.head.size, replay.head.root, path);
  return `${replay.seed.size}–${replay.head.size}`;
}

/** 3. Every entry opens its commitment, which is in the log; no entry is shown twice. @param {Replay} replay */
function inclusion(replay) {
  const { written, head } = replay;
  replay.events = written.entries.map((/** @type {any} */ entry) => {
    const leaf = leafHash(events.commitmentOf(entry.event, entry.salt));
    verifyInclusion(leaf, entry.index, head.size, entry.path.map(unhex), head.root);
    return events.read(entry.event);
  });
  const indexes = new Set(written.entries.map((/** @type {any} */ entry) => entry.index));
  if (indexes.size !== replay.events.length) throw wrong("events");
  return String(replay.events.length);
}

/**
 * 4. One draw: prepared, three commitments, the seed, everything else, all of one draw and trade.
 * @param {Replay} replay
 */
function sequence(replay) {
  const [first] = replay.events;
  const prepared = (replay.prepared = first.data);
  const kinds = replay.events.map((event) => event.kind);
  const begin = ["draw.prepared", "draw.committed", "draw.committed", "draw.committed", "draw.fixed"];
  const then = ["draw.revealed", "draw.revealed", "draw.revealed", "draw.drawn"];
  if ([...begin, ...then].slice(0, 5).some((kind, at) => kinds[at] !== kind)) throw wrong("events");
  replay.events.forEach((event, at) => {
    const same = event.trade === first.trade && event.sandbox === first.sandbox && event.data.draw === prepared.draw;
    const before = event.kind === "draw.prepared" || event.kind === "draw.committed";
    if (!same || before !== replay.written.entries[at].index < replay.seed.size) throw wrong("events");
  });
  if (then.some((kind, at) => kinds[5 + at] !== kind) || first.trade === null) throw wrong("events");
  if (!(prepared.round >= 1) || (prepared.round > 1 && !prepared.reason.trim())) throw wrong("reason");
  return marked(String(prepared.round), first.sandbox);
}

/** 5. The roster is the one whose digest was logged; quotas are well formed. @param {Replay} replay */
function rosters(replay) {
  const lines = replay.written.roster;
  if (hex(roster.digest(lines)) !== replay.prepared.roster) throw wrong("roster");
  replay.entries = roster.read(lines);
  replay.quotas = quotas.read(replay.prepared.quotas);
  return String(lines.length);
}

/** 6. Centre, purchaser and supervisor each signed a commitment for this very draw. @param {Replay} replay */
function commitments(replay) {
  const { draw, lot, round, roster: digest, release, key } = replay.prepared;
  const expected = { draw, key, lot, release, roster: digest, round, tender: replay.events[0].trade };
  replay.commitments = new Map();
  replay.devices = new Map();
  for (const { message, device } of ofKind(replay, "draw.committed")) {
    const found = nonces.read(canonical.encode(message), unhex(device));
    for (const [field, value] of Object.entries(expected))
      if (/** @type {any} */ (found)[field] !== value) throw new Refusal("draw.other_draw", { field });
    replay.commitments.set(found.role, found);
    replay.devices.set(found.role, unhex(device));
  }
  checkRoles(replay.commitments);
  return ROLES.join(", ");
}

/** 7. The draw was made from the seed checkpoint and the beacon that was named, if one was. @param {Replay} replay */
function seed(replay) {
  const [fixed] = ofKind(replay, "draw.fixed");
  if (fixed.checkpoint !== replay.written.seed) throw wrong("seed");
  if ((replay.prepared.beacon === null) !== (fixed.beacon === null)) throw wrong("beacon");
  replay.beacon = fixed.beacon === null ? new Uint8Array() : sha256(unhex(fixed.beacon));
  replay.named = nonces.seedDigest(replay.prepared.draw, replay.written.seed, fixed.beacon);
  return hex(replay.seed.root);
}

/** 8. Each nonce was given for this seed by its owner or by the quorum; each role once. @param {Replay} replay */
async function given(replay) {
  const found = new Map();
  const told = ofKind(replay, "draw.revealed");
  for (const data of told) {
    const nonce = await givenBy(replay, data);
    if (hex(nonce) !== data.nonce) throw wrong("participants");
    found.set(data.role, nonce);
  }
  if ((replay.written.key === null) === told.some((data) => data.how === "recovered")) throw wrong("key");
  checkRoles(found);
  replay.prk = extract([...found.values()], replay.beacon, replay.seed.root);
  return told.map((data) => data.how).sort().join(", ");
}

/** @param {Replay} replay @param {Record<string, any>} data */
async function givenBy(replay, { role, how, messages }) {
  const commitment = replay.commitments.get(role);
  const device = replay.devices.get(role);
  if (!commitment || !device) throw new TypeError(role);
  if (how === "revealed") {
    if (messages.length !== 1) throw new TypeError(how);
    return giving.revealed(messages[0], commitment, device, replay.named);
  }
  if (how !== "recovered") throw wrong("participants");
  const made = verifyKey(canonical.encode(replay.written.key));
  const key = made.keys.find((one) => hex(one.keyHash) === replay.prepared.key);
  if (!key) throw wrong("key");
  return giving.recovered(messages, commitment, key, replay.named);
}

/** 9. The lowest tickets that fill the quotas are those that were logged. @param {Replay} replay */
function drawn(replay) {
  const { round } = replay.prepared;
  replay.calls = new Calls(drawer(replay.entries, replay.quotas, replay.prk, String(replay.events[0].trade), round));
  if (!same(replay.calls.begin(), ofKind(replay, "draw.drawn")[0].members)) throw wrong("result");
  return hex(replay.prk);
}

/** 10. Each answer is by somebody called, and what was logged after it is what follows. @param {Replay} replay */
function calls(replay) {
  const following = replay.events.slice(9);
  let count = 0;
  for (let event = following.shift(); event; event = following.shift()) {
    if (event.kind !== "draw.answered") throw wrong("calls");
    count += 1;
    const expected = replay.calls.answer(event.data.expert, event.data.outcome);
    if (!expected) continue;
    const next = following.shift();
    const data = { draw: event.data.draw, ...expected.data };
    if (next?.kind !== expected.kind || !same(data, next.data)) throw wrong("calls");
  }
  return String(count);
}

/** 11. The members shown are those who accepted, by rising ticket. @param {Replay} replay */
function result({ written, calls: made }) {
  if (!same(written.members, made.accepted)) throw wrong("result");
  return String(written.members.length);
}

/** 12. Names, if shown, are those that the members' codes commit to. @param {Replay} replay */
function names({ written }) {
  if (written.names === null) return "0";
  if (!same(written.names.map((/** @type {any} */ one) => one.code), written.members)) throw wrong("names");
  for (const one of written.names) {
    const code = shape.identifier(one.expert) ? roster.codeOf(unhex(one.salt), one) : new Uint8Array();
    if (!equal(code, unhex(one.code))) throw wrong("names");
  }
  return String(written.names.length);
}

/** @param {Replay} replay @param {string} kind @returns {Record<string, any>[]} */
function ofKind({ events: all }, kind) {
  return all.filter((event) => event.kind === kind).map((event) => event.data);
}

/** @param {Map<string, unknown>} found */
function checkRoles(found) {
  if (found.size !== ROLES.length || !ROLES.every((role) => found.has(role))) throw wrong("participants");
}

/** @param {unknown} one @param {unknown} other */
function same(one, other) {
  return equal(canonical.encode(one), canonical.encode(other));
}

/** @param {string} what */
function wrong(what) {
  return new Refusal(`draw.wrong_${what}`);
}

/** @type {[string, (replay: Replay) => string | Promise<string>][]} */
const RECIPE = [
  ["checkpoints", checkpoints],
  ["inclusion", inclusion],
  ["sequence", sequence],
  ["roster", rosters],
  ["commitments", commitments],
  ["seed", seed],
  ["nonces", given],
  ["draw", drawn],
  ["calls", calls],
  ["result", result],
  ["names", names],
];
