/**
 * Path and place arithmetic of C2SP tlog-tiles, as archive/tiles.py: which file of a log holds which hashes.
 *
 * A tile is 256 hashes wide; entry bundles are tiles of level `ENTRIES` and hold 32-byte commitments, each after its
 * length as big-endian uint16.
 */

import { Refusal } from "../refusal.js";

export const WIDTH = 256;
export const ENTRIES = -1;
export const LEVELS = 8;
const ENTRY_SIZE = 32;

/**
 * Hashes `256 * index` and following of a level, `width` of them.
 * @typedef {{level: number, index: number, width: number}} Tile
 */

/**
 * Return the path of a tile below the log's prefix.
 * @param {Tile} tile
 */
export function path({ level, index, width }) {
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest; rest = Math.floor(rest / 1000))
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  const partial = width === WIDTH ? "" : `.p/${width}`;
  return `tile/${level === ENTRIES ? "entries" : level}/${groups.join("/")}${partial}`;
}

/**
 * Yield the tiles of one level of a tree of `size` leaves, the last of them partial.
 * @param {number} level
 * @param {number} size
 * @returns {Generator<Tile>}
 */
export function* ofLevel(level, size) {
  const count = Math.floor(size / WIDTH ** Math.max(level, 0));
  for (let index = 0; index * WIDTH < count; index += 1)
    yield { level, index, width: Math.min(WIDTH, count - index * WIDTH) };
}

/**
 * Yield every bundle and tile of a tree of `size` leaves.
 * @param {number} size
 * @returns {Generator<Tile>}
 */
export function* ofTree(size) {
  for (let level = ENTRIES; level < LEVELS; level += 1) yield* ofLevel(level, size);
}

/**
 * Return the 32-byte entries of a bundle that is `width` wide; refusal `tile.malformed`.
 * @param {Uint8Array} data
 * @param {number} width
 * @returns {Uint8Array[]}
 */
export function splitEntries(data, width) {
  const step = 2 + ENTRY_SIZE;
  const entries = [];
  for (let at = 0; at < data.length; at += step) {
    if (data[at] !== 0 || data[at + 1] !== ENTRY_SIZE) throw new Refusal("tile.malformed");
    entries.push(data.subarray(at + 2, at + step));
  }
  if (data.length !== width * step) throw new Refusal("tile.malformed");
  return entries;
}
