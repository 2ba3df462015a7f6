/**
 * Hash a file by its SHA-256, a piece at a time, so that no more than a piece is in memory.
 * In: a File. Out: {done, size} on the way, {sha256} at the end, {failed} when the file cannot be read.
 */
import { hex } from "../lib/bytes.js";
import { ready } from "../lib/sodium.js";

const PIECE = 4 << 20;

self.onmessage = async (/** @type {MessageEvent<File>} */ { data: file }) => {
  try {
    const sodium = await ready();
    const state = sodium.crypto_hash_sha256_init();
    for (let done = 0; done < file.size; done += PIECE) {
      const piece = new Uint8Array(await file.slice(done, done + PIECE).arrayBuffer());
      sodium.crypto_hash_sha256_update(state, piece);
      self.postMessage({ done: done + piece.length, size: file.size });
    }
    self.postMessage({ sha256: hex(sodium.crypto_hash_sha256_final(state)) });
  } catch (error) {
    self.postMessage({ failed: String(error) });
  }
};
