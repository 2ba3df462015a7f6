/**
 * The roster of a draw: experts under opaque codes, one line of ASCII each (docs/spec/draw.md, "Roster").
 *
 * The same as experts/roster.py. libsodium must be `ready`.
 */

import { concat, utf8 } from "../../bytes.js";
import * as canonical from "../../canonical.js";
import { sha256 } from "../../merkle.js";
import { Refusal } from "../../refusal.js";

const CODE = utf8("ggzy/draw-expert/v1\0");
const DIGEST = utf8("ggzy/draw-roster/v1\0");
const MAX_ENTRIES = 1_000_000;
const LINE =
  /^([0-9a-f]{64}) ([A-Z][0-9]{2,10}(?:,[A-Z][0-9]{2,10})*) ([0-9]{6}(?:,[0-9]{6})*) (-|[a-z_]+(?:,[a-z_]+)*)$/;

/**
 * An expert by code (hex), what they can do, where, and whether a reason excludes them.
 * @typedef {{code: string, specialties: string[], sites: string[], excluded: boolean}} Entry
 */

/**
 * Read lines strictly: form, order, no code twice; refusal `draw.bad_roster` with the line's number.
 * @param {unknown[]} lines
 * @returns {Entry[]}
 */
export function read(lines) {
  if (lines.length > MAX_ENTRIES) throw new Refusal("draw.bad_roster", { line: 0 });
  let before = "";
  return lines.map((line, at) => {
    const match = typeof line === "string" ? LINE.exec(line) : null;
    if (!match || match[1] <= before) throw new Refusal("draw.bad_roster", { line: at + 1 });
    before = match[1];
    return { code: before, specialties: match[2].split(","), sites: match[3].split(","), excluded: match[4] !== "-" };
  });
}

/**
 * Return SHA-256 of the context and the lines, each ended by a line feed.
 * @param {string[]} lines
 * @returns {Uint8Array}
 */
export function digest(lines) {
  return sha256(concat(DIGEST, utf8(lines.map((line) => `${line}\n`).join(""))));
}

/**
 * Return the code of an expert: a commitment to who they are.
 * @param {Uint8Array} salt
 * @param {{expert: string, name: string, employer: string}} identity
 * @returns {Uint8Array}
 */
export function codeOf(salt, { expert, name, employer }) {
  return sha256(concat(CODE, salt, canonical.encode({ employer, expert, name })));
}
