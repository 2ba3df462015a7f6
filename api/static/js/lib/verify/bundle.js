/**
 * A trail bundle: log entries that a supervisor took out, with what proves them (docs/spec/trail-bundle.md, section 4).
 *
 * The numbers are those of the recipe. libsodium must be `ready`.
 */

import { hex } from "../bytes.js";
import * as canonical from "../canonical.js";
import { sha256 as digestOf } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as shape from "../shape.js";
import * as entries from "./entries.js";
import * as notes from "./note.js";
import { sha256, small } from "./source.js";
import { FILED, marked, step } from "./steps.js";
import { reading } from "./strict.js";
import * as timestamp from "./timestamp.js";
import * as moment from "./moment.js";

export const FORMAT = "ggzy/trail-bundle/v1";
const NAMES = [
  "bundle.json", "bundle.note", "chain.pem", "checkpoint", "checkpoint.tsr", "entries.jsonl", "vkey",
]; // prettier-ignore
const MAX_SMALL = 1 << 20;
const INDEX = shape.object({
  format: shape.oneOf(FORMAT),
  export: shape.identifier,
  at: shape.time,
  by: shape.identifier,
  log: shape.text(1, 255),
  filter: shape.record,
  entries: shape.whole(0),
  sha256: shape.hash,
  sandbox: shape.flag,
});

/**
 * Check a bundle's files, telling each step as it holds; `packages` are those at hand that held.
 * Refusals: `bundle.*`, `package.bad_entries`, `package.not_as_filed`, `merkle.*`, `note.*`, `checkpoint.*`,
 * `timestamp.*`.
 * @param {import("./source.js").Files} files
 * @param {{vkey: string | null, chain: string | null}} pins
 * @param {import("./holding.js").Holding[]} packages
 * @param {import("./verifier.js").Listener} listener
 */
export async function check(files, pins, packages, { held: tell, further, progress }) {
  checkNames(files); // 1
  tell(step(1, "layout", String(files.size)));
  const encoded = await read(files, "bundle.json"); // 2
  const index = reading("bundle.malformed", () => canonical.decode(encoded));
  if (!INDEX(index)) throw new Refusal("bundle.malformed");
  tell(step(2, "index", marked(index.export, index.sandbox)));
  const lines = /** @type {Blob} */ (files.get("entries.jsonl")); // 3
  if ((await sha256(lines, progress)) !== index.sha256) throw new Refusal("bundle.wrong_digest");
  tell(step(3, "digests", index.sha256));
  const key = await keyOf(files, pins); // 4
  const head = notes.checkCheckpoint(await read(files, "checkpoint"), key);
  if (index.log !== key.name) throw new Refusal("bundle.wrong_log");
  tell(step(4, "checkpoint", String(head.size)));
  const at = await checkStamp(files, pins, index); // 5
  tell(step(5, "token", at));
  const known = await checkEntries(lines, index, head, packages); // 6
  tell(step(6, "entries", `${index.entries} / ${head.size}`));
  const note = notes.parse(await read(files, "bundle.note")); // 7
  notes.verify(note, key);
  const said = `${FORMAT}\n${index.export}\n${hex(digestOf(encoded))}\n`;
  if (note.text !== said || note.signatures.length !== 1) throw new Refusal("bundle.wrong_signature");
  tell(step(7, "signature", key.name));
  for (const [one, opened] of known) {
    if (!opened.length) continue;
    further(FILED); // 8
    for (const entry of opened) one.checkEntry(entry);
    tell(step(...FILED, String(opened.length)));
  }
}

/**
 * 6. Every line opens its commitment and is included; all are of play or none. Return those of each package's trade.
 * @param {Blob} lines
 * @param {{sandbox: boolean, entries: number}} index
 * @param {notes.Checkpoint} head
 * @param {import("./holding.js").Holding[]} packages
 */
async function checkEntries(lines, index, head, packages) {
  const known = new Map(packages.map((one) => [one, /** @type {entries.Opened[]} */ ([])]));
  let count = 0;
  for await (const opened of entries.check(lines, head)) {
    if (opened.event.sandbox !== index.sandbox) throw new Refusal("bundle.wrong_sandbox");
    count += 1;
    for (const [one, own] of known) if (one.trade === opened.event.trade) own.push(opened);
  }
  if (count !== index.entries) throw new Refusal("bundle.wrong_count", { count, said: index.entries });
  return known;
}

/** 1. Exactly the files of the format are there. @param {import("./source.js").Files} files */
function checkNames(files) {
  for (const path of [...files.keys()].sort())
    if (!NAMES.includes(path)) throw new Refusal("bundle.extra_file", { path });
  for (const path of NAMES) if (!files.has(path)) throw new Refusal("bundle.missing_file", { path });
}

/** @param {import("./source.js").Files} files @param {{vkey: string | null}} pins */
async function keyOf(files, pins) {
  const own = notes.textOf(await read(files, "vkey"), "note.malformed").replace(/\n$/, "");
  if (pins.vkey !== null && own !== pins.vkey) throw new Refusal("bundle.wrong_key");
  return notes.parseKey(own);
}

/**
 * @param {import("./source.js").Files} files
 * @param {{chain: string | null}} pins
 * @param {{sandbox: boolean, at: string}} index
 */
async function checkStamp(files, pins, { sandbox, at }) {
  const chain = pins.chain ?? new TextDecoder().decode(await read(files, "chain.pem"));
  const digest = digestOf(await read(files, "checkpoint"));
  const token = await timestamp.check(await read(files, "checkpoint.tsr"), digest, chain, { sandbox });
  const after = token.time - (moment.parse(at) ?? 0n);
  if (after < -timestamp.TOLERANCE || after > timestamp.TOLERANCE + timestamp.PATIENCE)
    throw new Refusal("bundle.wrong_time");
  return token.at;
}

/** @param {import("./source.js").Files} files @param {string} path */
function read(files, path) {
  return small(files, path, MAX_SMALL, new Refusal("bundle.missing_file", { path }), new Refusal("bundle.malformed"));
}
