/**
 * The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashes, roots, and the checks of RFC 9162 sections 2.1.3.2 and
 * 2.1.4.2. Hashes are 32 bytes; sizes and indexes are safe integers. libsodium must be `ready`.
 */
import { concat, equal } from "./bytes.js";
import { Refusal } from "./refusal.js";
import { sodium } from "./sodium.js";

const HASH_SIZE = 32;
const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/** @param {Uint8Array} bytes @returns {Uint8Array} SHA-256 */
export function sha256(bytes) {
  return sodium.crypto_hash_sha256(bytes);
}

/** @param {Uint8Array} entry @returns {Uint8Array} SHA-256(0x00 ‖ entry) */
export function leafHash(entry) {
  return sha256(concat(LEAF, entry));
}

/** @param {Uint8Array} left @param {Uint8Array} right @returns {Uint8Array} SHA-256(0x01 ‖ left ‖ right) */
function nodeHash(left, right) {
  return sha256(concat(NODE, left, right));
}

/** @param {Iterable<Uint8Array>} leaves leaf hashes, not entries @returns {Uint8Array} the Merkle tree hash */
export function root(leaves) {
  const frontier = new Frontier();
  for (const leaf of leaves) frontier.append(leaf);
  return frontier.root();
}

/** The right edge of a growing tree: at most one complete subtree per level, so that a root is streamed. */
export class Frontier {
  /** @type {Uint8Array[]} */
  #peaks = [];
  #size = 0;
  #closed = false;

  /** The number of leaves so far. */
  get size() {
    return this.#size;
  }

  /**
   * Add the hash of a leaf, or of a complete subtree of 2^level leaves aligned to its own size.
   * @param {Uint8Array} node
   * @param {number} [level]
   * @throws {Refusal} `merkle.malformed`
   */
  append(node, level = 0) {
    const leaves = 2 ** level;
    if (this.#closed || node.length !== HASH_SIZE || this.#size % leaves !== 0) throw new Refusal("merkle.malformed");
    let rest = this.#size / leaves;
    let joined = node;
    while (rest % 2 === 1) {
      joined = nodeHash(/** @type {Uint8Array} */ (this.#peaks.pop()), joined);
      rest = half(rest);
    }
    this.#peaks.push(joined);
    this.#size += leaves;
  }

  /**
   * Add the last, shorter subtree: the root over `leaves` leaf hashes. Nothing can be appended after it.
   * @param {Uint8Array} node
   * @param {number} leaves
   * @throws {Refusal} `merkle.malformed`
   */
  close(node, leaves) {
    const room = 2 ** Math.ceil(Math.log2(leaves));
    if (this.#closed || node.length !== HASH_SIZE || !(leaves >= 1) || this.#size % room !== 0) {
      throw new Refusal("merkle.malformed");
    }
    this.#peaks.push(node);
    this.#size += leaves;
    this.#closed = true;
  }

  /** @returns {Uint8Array} the Merkle tree hash of everything appended; SHA-256 of nothing when empty */
  root() {
    if (this.#peaks.length === 0) return sha256(new Uint8Array());
    return this.#peaks.reduceRight((result, node) => nodeHash(node, result));
  }
}

/**
 * Check that a leaf hash stands at `index` in the tree of `size` leaves with this root.
 * @param {Uint8Array} leaf
 * @param {number} index
 * @param {number} size
 * @param {Uint8Array[]} proof
 * @param {Uint8Array} expected
 * @throws {Refusal} `merkle.not_included`
 */
export function verifyInclusion(leaf, index, size, proof, expected) {
  const sound = isPlace(index) && isPlace(size) && index < size && areHashes([leaf, expected, ...proof]);
  const folded = sound ? fold(index, size - 1, leaf, leaf, proof) : null;
  if (folded === null || !equal(folded.full, expected)) throw new Refusal("merkle.not_included");
}

/**
 * Check that the tree of `newSize` leaves extends the tree of `oldSize` leaves.
 * @param {number} oldSize
 * @param {Uint8Array} oldRoot
 * @param {number} newSize
 * @param {Uint8Array} newRoot
 * @param {Uint8Array[]} proof
 * @throws {Refusal} `merkle.not_consistent`
 */
export function verifyConsistency(oldSize, oldRoot, newSize, newRoot, proof) {
  const sound = isPlace(oldSize) && isPlace(newSize) && oldSize <= newSize && areHashes([oldRoot, newRoot, ...proof]);
  if (!sound || !isExtension(oldSize, oldRoot, newSize, newRoot, proof)) throw new Refusal("merkle.not_consistent");
}

/**
 * @param {number} oldSize
 * @param {Uint8Array} oldRoot
 * @param {number} newSize
 * @param {Uint8Array} newRoot
 * @param {Uint8Array[]} proof
 */
function isExtension(oldSize, oldRoot, newSize, newRoot, proof) {
  const empty = sha256(new Uint8Array());
  if (oldSize === 0 || oldSize === newSize) {
    const known = oldSize === newSize ? newRoot : empty;
    return proof.length === 0 && equal(oldRoot, known) && (newSize > 0 || equal(newRoot, empty));
  }
  let position = oldSize - 1;
  let last = newSize - 1;
  while (position % 2 === 1) {
    position = half(position);
    last = half(last);
  }
  const path = position === 0 ? [oldRoot, ...proof] : proof; // an old tree that is complete is a node of the new one
  if (path.length === 0) return false;
  const folded = fold(position, last, path[0], path[0], path.slice(1));
  return folded !== null && equal(folded.left, oldRoot) && equal(folded.full, newRoot);
}

/**
 * Climb from `position` to the root: `full` with all siblings, `left` with those to the left only.
 * @param {number} position
 * @param {number} last
 * @param {Uint8Array} left
 * @param {Uint8Array} full
 * @param {Uint8Array[]} siblings
 */
function fold(position, last, left, full, siblings) {
  for (const sibling of siblings) {
    if (last === 0) return null;
    if (position % 2 === 1 || position === last) {
      left = nodeHash(sibling, left);
      full = nodeHash(sibling, full);
      while (position % 2 === 0 && position !== 0) {
        position = half(position);
        last = half(last);
      }
    } else {
      full = nodeHash(full, sibling);
    }
    position = half(position);
    last = half(last);
  }
  return last === 0 ? { left, full } : null;
}

/** @param {number} value */
function half(value) {
  return Math.floor(value / 2);
}

/** @param {number} value */
function isPlace(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @param {Uint8Array[]} hashes */
function areHashes(hashes) {
  return hashes.every((hash) => hash instanceof Uint8Array && hash.length === HASH_SIZE);
}
