/**
 * What is to be checked: files by path, each a Blob that is read piece by piece, never whole when it is large.
 *
 * A file inside a tar or a zip is a slice of the Blob around it, so that a package of many gigabytes takes no memory.
 */

import { concat, hex, unshared } from "../bytes.js";
import { Refusal } from "../refusal.js";
import { sodium } from "../sodium.js";

const PIECE = 4 << 20;
const WHOLE = 8 << 20;

/**
 * Files by path, as a Map keeps them; paths have `/` between their parts and none at their ends.
 * @typedef {Map<string, Blob>} Files
 */

/**
 * Return a small file; the refusals `missing` when it is not there and `larger` above `limit` bytes.
 * @param {Files} files
 * @param {string} path
 * @param {number} limit bytes
 * @param {Refusal} missing
 * @param {Refusal} [larger]
 * @returns {Promise<Uint8Array>}
 */
export async function small(files, path, limit, missing, larger = missing) {
  const blob = files.get(path);
  if (!blob) throw missing;
  if (blob.size > limit) throw larger;
  return bytesOf(blob);
}

/**
 * Return all bytes of a Blob; refusal `verify.unreadable` when the file cannot be read (any more).
 * @param {Blob} blob
 * @returns {Promise<Uint8Array>}
 */
export async function bytesOf(blob) {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    const name = "name" in blob ? String(blob.name) : "";
    throw error instanceof DOMException ? new Refusal("verify.unreadable", { name }) : error;
  }
}

/**
 * Yield the bytes of a Blob in pieces of 4 MiB.
 * @param {Blob} blob
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* pieces(blob) {
  for (let at = 0; at < blob.size; at += PIECE) yield bytesOf(blob.slice(at, at + PIECE));
}

/**
 * Yield the lines of a Blob, each with its line feed; the last may have none.
 * @param {Blob} blob
 * @returns {AsyncGenerator<Uint8Array>}
 */
export async function* lines(blob) {
  /** @type {Uint8Array[]} */
  let begun = [];
  for await (const piece of pieces(blob)) {
    let from = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, from)) {
      yield concat(...begun, piece.subarray(from, end + 1));
      begun = [];
      from = end + 1;
    }
    if (from < piece.length) begun.push(piece.subarray(from));
  }
  if (begun.length) yield concat(...begun);
}

/**
 * Return the hexadecimal SHA-256 of a Blob of any size. libsodium must be `ready`.
 * @param {Blob} blob
 * @param {(bytes: number) => void} [progress] told how many bytes were read since
 * @returns {Promise<string>}
 */
export async function sha256(blob, progress = () => {}) {
  if (blob.size <= WHOLE) {
    const digest = await crypto.subtle.digest("SHA-256", unshared(await bytesOf(blob)));
    progress(blob.size);
    return hex(new Uint8Array(digest));
  }
  const state = sodium.crypto_hash_sha256_init(); // WebCrypto hashes only what is in memory
  for await (const piece of pieces(blob)) {
    sodium.crypto_hash_sha256_update(state, piece);
    progress(piece.length);
  }
  return hex(sodium.crypto_hash_sha256_final(state));
}

/**
 * Return the files below a folder, their paths beginning there; "" is the top.
 * @param {Files} files
 * @param {string} folder
 * @returns {Files}
 */
export function below(files, folder) {
  if (!folder) return files;
  const prefix = `${folder}/`;
  const found = [...files].filter(([path]) => path.startsWith(prefix));
  return new Map(found.map(([path, blob]) => [path.slice(prefix.length), blob]));
}
