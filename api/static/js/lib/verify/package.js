/**
 * An archive package checked by the recipe of docs/spec/package.md, section 6; the numbers are the same.
 *
 * Files come as slices of what the user chose and are hashed piece by piece. libsodium must be `ready`.
 */

import { equal, hex, utf8 } from "../bytes.js";
import { sha256 as digestOf } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as bag from "./bag.js";
import { checkBid } from "./bid.js";
import * as draws from "./draw.js";
import * as entries from "./entries.js";
import { Holding } from "./holding.js";
import * as notes from "./note.js";
import * as receipts from "./receipt.js";
import { sha256, small } from "./source.js";
import { marked, step } from "./steps.js";
import { checkTranscript } from "./transcript.js";

const MAX_SMALL = 1 << 20;
const ENTRIES = "data/log/entries.jsonl";

/** @typedef {import("./source.js").Files} Files */

/**
 * What the steps have found so far.
 * @typedef {{files: Files, key: notes.Key, chain: string, index: bag.Index, head: notes.Checkpoint,
 *   indexes: Map<string, number>}} Evidence `indexes` of the entries, by commitment in hexadecimal
 */

/**
 * Check a bag's files against pinned keys, its own where none are pinned, telling each step as it holds.
 * The refusal thrown is the first thing wrong: `package.*`, and those of notes, proofs, tokens, receipts, draws, bids.
 * @param {Files} files
 * @param {{vkey: string | null, chain: string | null}} pins
 * @param {(held: import("./steps.js").Step) => void} tell
 * @param {(bytes: number) => void} progress
 * @returns {Promise<Holding>} what it has of the log
 */
export async function check(files, pins, tell, progress) {
  bag.checkNames(files); // 1
  tell(step(1, "layout", String(files.size)));
  const manifest = await checkTags(files); // 2
  tell(step(2, "tags", String(bag.TAGS.length)));
  const listed = bag.readManifest(manifest); // 3
  checkListed(files, listed);
  tell(step(3, "manifest", String(listed.size)));
  tell(step(4, "digests", String(await checkDigests(files, listed, progress)))); // 4
  const index = await checkIndex(files, listed); // 5
  tell(step(5, "index", marked(index.trade, index.sandbox)));
  const evidence = await readEvidence(files, index, pins); // 6
  tell(step(6, "entries", `${evidence.indexes.size} / ${evidence.head.size}`));
  await checkSignature(evidence, manifest); // 7
  tell(step(7, "signature", evidence.key.name));
  tell(step(8, "receipts", String(await checkReceipts(evidence)))); // 8
  tell(step(9, "transcripts", String(await checkFurther(evidence)))); // 9
  tell(step(10, "sealed", String(await checkBids(evidence)))); // 10
  return new Holding(index.trade, hex(digestOf(manifest)), evidence.head.size, evidence.indexes);
}

/** 2. The tag manifest lists the tag files, which have its digests and their one form. @param {Files} files */
async function checkTags(files) {
  const listed = bag.readManifest(await bag.readTag(files, bag.TAG_MANIFEST));
  /** @type {Map<string, Uint8Array>} */
  const contents = new Map();
  for (const name of bag.TAGS) contents.set(name, await bag.readTag(files, name));
  if (listed.size !== bag.TAGS.length || !bag.TAGS.every((name) => listed.has(name)))
    throw new Refusal("package.bad_manifest");
  for (const [name, content] of contents) compare(name, hex(digestOf(content)), listed.get(name));
  const [info, declaration, , manifest] = [...contents.values()];
  const told = bag.readInfo(declaration, info);
  const payload = [...files].filter(([path]) => path.startsWith("data/")).map(([, blob]) => blob.size);
  const oxum = `${payload.reduce((sum, size) => sum + size, 0)}.${payload.length}`;
  if (told.get("Payload-Oxum") !== oxum) throw new Refusal("package.bad_info");
  return manifest;
}

/** 3. The manifest lists exactly the files that are there. @param {Files} files @param {Map<string, string>} listed */
function checkListed(files, listed) {
  for (const path of listed.keys())
    if (!files.has(path)) throw new Refusal("package.missing_file", { path: path.slice(0, 200) });
  for (const path of [...files.keys()].sort())
    if (path.startsWith("data/") && !listed.has(path)) throw new Refusal("package.extra_file", { path });
}

/**
 * 4. Every file of the payload has its digest; the largest are read first, as Python reads them.
 * @param {Files} files
 * @param {Map<string, string>} listed
 * @param {(bytes: number) => void} progress
 */
async function checkDigests(files, listed, progress) {
  let total = 0;
  const order = [...listed].map(([path, digest]) => ({ path, digest, blob: blobOf(files, path) }));
  order.sort((one, other) => other.blob.size - one.blob.size || (one.path < other.path ? -1 : 1));
  for (const { path, digest, blob } of order) {
    compare(path, await sha256(blob, progress), digest);
    total += blob.size;
  }
  return total;
}

/** 5. The index says of every other file what is so. @param {Files} files @param {Map<string, string>} listed */
async function checkIndex(files, listed) {
  const index = bag.readIndex(await read(files, "data/index.json", bag.MAX_TAG_FILE));
  const said = new Map(index.files.map((file) => [`data/${file.path}`, `${file.size} ${file.sha256}`]));
  const found = new Map([...listed].map(([path, digest]) => [path, `${blobOf(files, path).size} ${digest}`]));
  found.delete("data/index.json");
  const paths = [...new Set([...said.keys(), ...found.keys()])].sort();
  const alone = paths.find((path) => !said.has(path) || !found.has(path));
  const odd = alone ?? paths.find((path) => said.get(path) !== found.get(path));
  if (odd !== undefined) throw new Refusal("package.wrong_index", { path: odd });
  bag.checkMetadata(await read(files, "data/metadata.json"));
  return index;
}

/**
 * 6. Checkpoint and entries; keys that are not pinned are the package's own.
 * @param {Files} files
 * @param {bag.Index} index
 * @param {{vkey: string | null, chain: string | null}} pins
 * @returns {Promise<Evidence>}
 */
async function readEvidence(files, index, pins) {
  const own = notes.textOf(await read(files, "data/log/vkey"), "note.malformed").replace(/\n$/, "");
  const key = notes.parseKey(pins.vkey ?? own);
  const chain = pins.chain ?? new TextDecoder().decode(await read(files, "data/tsa/chain.pem"));
  const head = notes.checkCheckpoint(await read(files, "data/log/checkpoint"), key);
  /** @type {Map<string, number>} */
  const indexes = new Map();
  let line = 0;
  let sandbox = index.sandbox;
  for await (const opened of entries.check(blobOf(files, ENTRIES), head)) {
    line += 1;
    if (opened.event.trade !== index.trade) throw entries.bad(line);
    if (opened.event.sandbox !== index.sandbox) sandbox = opened.event.sandbox;
    indexes.set(hex(opened.commitment), opened.index);
  }
  if (sandbox !== index.sandbox) throw new Refusal("package.wrong_sandbox");
  return { files, key, chain, index, head, indexes };
}

/** 7. The log's key signed the manifest of this trade. @param {Evidence} evidence @param {Uint8Array} manifest */
async function checkSignature({ files, index, key }, manifest) {
  const note = notes.parse(await bag.readTag(files, bag.SIGNED));
  notes.verify(note, key);
  if (note.text !== bag.statement(index.trade, hex(digestOf(manifest))) || note.signatures.length !== 1)
    throw new Refusal("package.wrong_signature");
  if (!equal(await read(files, "data/log/vkey"), utf8(`${key.vkey}\n`))) throw new Refusal("package.wrong_key");
}

/** 8. Every receipt has its token and its entry. @param {Evidence} evidence */
async function checkReceipts(evidence) {
  let count = 0;
  for (const { path } of having(evidence, "receipt")) {
    if (!path.endsWith("/receipt.json")) continue;
    const files = await receipts.readFiles(evidence.files, `data/${path}`);
    const receipt = await receipts.check(files, evidence.chain, evidence.key, () => {});
    const logged = evidence.indexes.has(hex(receipt.commitment)) && receipt.log === evidence.key.name;
    if (!logged) throw new Refusal("package.unlogged_receipt", { path });
    count += 1;
  }
  return count;
}

/** 9. Draws replay and key transcripts hold. @param {Evidence} evidence */
async function checkFurther(evidence) {
  const found = having(evidence, "draw_transcript");
  const keys = having(evidence, "key_transcript");
  for (const { path } of found)
    await draws.check(await read(evidence.files, `data/${path}`, bag.MAX_TAG_FILE), evidence.key, () => {});
  for (const { path } of keys) checkTranscript(await read(evidence.files, `data/${path}`, bag.MAX_TAG_FILE));
  return found.length + keys.length;
}

/** 10. Each sealed bid is the one whose receipt lies beside it. @param {Evidence} evidence */
async function checkBids(evidence) {
  const found = having(evidence, "sealed_bid");
  for (const { path } of found) {
    const beside = `data/${path}`.replace(/[^/]*$/, "receipt.json");
    const { content } = await receipts.readFiles(evidence.files, beside);
    await checkBid(blobOf(evidence.files, `data/${path}`), receipts.decode(content).event.data);
  }
  return found.length;
}

/** @param {Evidence} evidence @param {string} role */
function having({ index }, role) {
  return index.files.filter((file) => file.role === role);
}

/** @param {Files} files @param {string} path @param {number} [limit] */
function read(files, path, limit = MAX_SMALL) {
  const [missing, larger] = ["package.missing_file", "package.too_large"].map((code) => new Refusal(code, { path }));
  return small(files, path, limit, missing, larger);
}

/** @param {Files} files @param {string} path */
function blobOf(files, path) {
  const blob = files.get(path);
  if (!blob) throw new Refusal("package.missing_file", { path });
  return blob;
}

/** @param {string} path @param {string} found @param {string | undefined} expected */
function compare(path, found, expected) {
  if (found !== expected) throw new Refusal("package.wrong_digest", { path });
}
