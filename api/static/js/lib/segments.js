/**
 * The hash tree over an envelope's ciphertext: RFC 6962 over segments of 1 MiB, cut into upload parts of 8 MiB
 * (docs/spec/sealing.md, section 7). WebCrypto hashes the segments, which is many times faster than WebAssembly.
 */
import { unshared } from "./bytes.js";
import { Frontier, root as rootOf } from "./merkle.js";
import { require } from "./refusal.js";

export const SEGMENT_SIZE = 1 << 20;
const PART_SEGMENTS = 8;
export const PART_SIZE = PART_SEGMENTS * SEGMENT_SIZE;
const PART_LEVEL = 3;
const MAX_PARTS = 1 << 18;

/** @typedef {{root: Uint8Array, size: number}} Part a part's root and its size in bytes */

/** Cuts a body into segments as it is written, hashes them, and hands each whole segment on. */
export class BodyHasher {
  /** @type {Promise<Uint8Array>[]} */
  #leaves = [];
  #buffer = new Uint8Array(1 + SEGMENT_SIZE); // 0x00 ‖ segment, as a leaf is hashed
  #filled = 0;
  #size = 0;
  #write;

  /** @param {(segment: Uint8Array) => void} [write] is given each segment, valid until it returns */
  constructor(write = () => undefined) {
    this.#write = write;
  }

  /** @param {Uint8Array} chunk the next bytes */
  update(chunk) {
    let rest = chunk;
    while (rest.length) {
      const taken = rest.subarray(0, SEGMENT_SIZE - this.#filled);
      this.#buffer.set(taken, 1 + this.#filled);
      this.#filled += taken.length;
      rest = rest.subarray(taken.length);
      if (this.#filled === SEGMENT_SIZE) this.#close();
    }
  }

  /** @returns {Promise<Part[]>} every part of the body (at least one byte); nothing can be added afterwards */
  async finish() {
    if (this.#filled) this.#close();
    const leaves = await Promise.all(this.#leaves);
    const parts = [];
    for (let place = 0; place < leaves.length; place += PART_SEGMENTS) {
      const size = Math.min(PART_SIZE, this.#size - place * SEGMENT_SIZE);
      parts.push({ root: rootOf(leaves.slice(place, place + PART_SEGMENTS)), size });
    }
    return parts;
  }

  #close() {
    const leaf = this.#buffer.subarray(0, 1 + this.#filled);
    this.#leaves.push(digest(leaf)); // WebCrypto copies what it is given before it returns
    this.#write(leaf.subarray(1));
    this.#size += this.#filled;
    this.#filled = 0;
  }
}

/**
 * The root of a body from its parts: all of 8 MiB but the last.
 * @param {Part[]} parts
 * @returns {Uint8Array}
 * @throws {Refusal} `bid.bad_parts`
 */
export function bodyRoot(parts) {
  const whole = parts.slice(0, -1).every(({ size }) => size === PART_SIZE);
  const last = parts.at(-1)?.size ?? 0;
  require(whole && parts.length <= MAX_PARTS && last >= 1 && last <= PART_SIZE, "bid.bad_parts");
  const tree = new Frontier();
  for (const { root, size } of parts) {
    if (size === PART_SIZE) tree.append(root, PART_LEVEL);
    else tree.close(root, Math.ceil(size / SEGMENT_SIZE));
  }
  return tree.root();
}

/** @param {Uint8Array} leaf */
async function digest(leaf) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", unshared(leaf)));
}
