/**
 * A whole log (`vkey`, `checkpoint`, `tile/…`), checked by deriving every tile and the root from its entries.
 *
 * The numbers are those of docs/spec/trail.md, section 7. libsodium must be `ready`.
 */

import { concat, equal } from "../bytes.js";
import { Frontier, leafHash, root } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as notes from "./note.js";
import { small } from "./source.js";
import { step } from "./steps.js";
import * as tiles from "./tiles.js";

const MAX_NOTE = 1 << 16;
const MAX_TILE = tiles.WIDTH * 34;

/**
 * Check a log's folder, telling each step as it holds; return the verified checkpoint.
 *
 * Refusals: `note.malformed`, `log.missing_file`, `log.unexpected_file`, `log.wrong_key`, `log.wrong_tile`,
 * `log.wrong_root` and those of the formats, each naming the first file that is wrong.
 * @param {import("./source.js").Files} files
 * @param {string | null} pinned the pinned vkey
 * @param {(held: import("./steps.js").Step) => void} tell
 * @param {(bytes: number) => void} progress
 * @returns {Promise<notes.Checkpoint>}
 */
export async function check(files, pinned, tell, progress) {
  const vkey = notes.textOf(await read(files, "vkey", MAX_NOTE), "note.malformed"); // 1
  if (pinned !== null && vkey !== `${pinned}\n`) throw new Refusal("log.wrong_key");
  if (!vkey.endsWith("\n")) throw new Refusal("note.malformed", { file: "vkey" });
  const key = notes.parseKey(vkey.slice(0, -1));
  tell(step(1, "key", key.name));
  const head = notes.checkCheckpoint(await read(files, "checkpoint", MAX_NOTE), key); // 2
  tell(step(2, "checkpoint", String(head.size)));
  tell(step(3, "files", String(checkNames(files, head.size)))); // 3
  const found = await derive(files, head.size, progress); // 4 and 5
  tell(step(5, "tiles", String(head.size)));
  if (!equal(found, head.root)) throw new Refusal("log.wrong_root", { file: "checkpoint" }); // 6
  tell(step(6, "root", `${head.origin} ${head.size}`));
  return head;
}

/**
 * @param {import("./source.js").Files} files
 * @param {number} size
 */
function checkNames(files, size) {
  const left = new Set([...files.keys()].filter((path) => path.startsWith("tile/")));
  const there = left.size;
  for (const tile of tiles.ofTree(size)) {
    const file = tiles.path(tile);
    if (!left.delete(file)) throw new Refusal("log.missing_file", { file });
  }
  if (left.size) throw new Refusal("log.unexpected_file", { file: [...left].sort()[0] });
  return there;
}

/**
 * @param {import("./source.js").Files} files
 * @param {number} size
 * @param {(bytes: number) => void} progress
 * @returns {Promise<Uint8Array>} the root that follows from the entries
 */
async function derive(files, size, progress) {
  const frontier = new Frontier();
  /** @type {Uint8Array[][]} */
  const rows = Array.from({ length: tiles.LEVELS }, () => []);
  const counts = new Array(tiles.LEVELS).fill(0);
  for (const bundle of tiles.ofLevel(tiles.ENTRIES, size)) {
    rows[0] = (await entriesOf(files, bundle)).map(leafHash);
    for (const leaf of rows[0]) frontier.append(leaf);
    for (let level = 0; level < tiles.LEVELS && rows[level].length === tiles.WIDTH; level += 1) {
      await compare(files, { level, index: counts[level], width: tiles.WIDTH }, rows[level]);
      counts[level] += 1;
      if (level + 1 < tiles.LEVELS) rows[level + 1].push(root(rows[level]));
      rows[level] = [];
    }
    progress(bundle.width * 34);
  }
  for (const [level, row] of rows.entries())
    if (row.length) await compare(files, { level, index: counts[level], width: row.length }, row);
  return frontier.root();
}

/**
 * @param {import("./source.js").Files} files
 * @param {tiles.Tile} tile
 * @param {Uint8Array[]} hashes
 */
async function compare(files, tile, hashes) {
  const file = tiles.path(tile);
  if (!equal(await read(files, file, MAX_TILE), concat(...hashes))) throw new Refusal("log.wrong_tile", { file });
}

/**
 * @param {import("./source.js").Files} files
 * @param {tiles.Tile} bundle
 */
async function entriesOf(files, bundle) {
  const file = tiles.path(bundle);
  const data = await read(files, file, MAX_TILE);
  try {
    return tiles.splitEntries(data, bundle.width);
  } catch (error) {
    throw error instanceof Refusal ? new Refusal(error.code, { file }) : error;
  }
}

/**
 * @param {import("./source.js").Files} files
 * @param {string} file
 * @param {number} limit
 */
function read(files, file, limit) {
  const [missing, larger] = ["log.missing_file", "log.unexpected_file"].map((code) => new Refusal(code, { file }));
  return small(files, file, limit, missing, larger);
}
