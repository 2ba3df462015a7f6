/**
 * Log entries with their openings and audit paths, one line of canonical JSON each, all under one signed checkpoint.
 *
 * The form of docs/spec/package.md, section 4, which packages and trail bundles share; read line by line, so that a
 * file of any length takes no memory. libsodium must be `ready`.
 */

import { unhex } from "../bytes.js";
import * as canonical from "../canonical.js";
import { leafHash, verifyInclusion } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as events from "./event.js";
import { lines } from "./source.js";
import { hasMembers, reading } from "./strict.js";

const MEMBERS = ["event", "index", "path", "salt"];
const MAX_HASHES = 63;

/**
 * One verified entry: its place, what it says, its 32-byte commitment.
 * @typedef {{index: number, event: events.Event, commitment: Uint8Array}} Opened
 */

/**
 * Yield every entry, each verified against the head of its log; indexes rise.
 * Refusals: `package.bad_entries` with the line, `merkle.not_included`.
 * @param {Blob} blob
 * @param {import("./note.js").Checkpoint} head
 * @returns {AsyncGenerator<Opened>}
 */
export async function* check(blob, head) {
  let number = 0;
  let before = -1;
  for await (const line of lines(blob)) {
    number += 1;
    const { opened, path } = entry(line, number);
    verifyInclusion(leafHash(opened.commitment), opened.index, head.size, path, head.root);
    if (opened.index <= before) throw bad(number);
    before = opened.index;
    yield opened;
  }
}

/**
 * The refusal of a line.
 * @param {number} line 1-based
 */
export function bad(line) {
  return new Refusal("package.bad_entries", { line });
}

/** @param {Uint8Array} line @param {number} number */
function entry(line, number) {
  return reading("package.bad_entries", () => read(line, number), { line: number });
}

/** @param {Uint8Array} line @param {number} number */
function read(line, number) {
  if (line.at(-1) !== 10) throw bad(number);
  const value = canonical.decode(line.subarray(0, -1));
  const sound = hasMembers(value, MEMBERS) && Number.isSafeInteger(value.index) && Array.isArray(value.path);
  if (!sound || value.path.length > MAX_HASHES) throw bad(number);
  const { event, commitment } = events.open(value.event, value.salt);
  return { opened: { index: value.index, event, commitment }, path: value.path.map(unhex) };
}
