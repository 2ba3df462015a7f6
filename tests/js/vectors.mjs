/** Reads the vectors that Python wrote, and tells in their words how a call came out. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Refusal } from "../../api/static/js/lib/refusal.js";

/** @param {string} path below tests/vectors, such as `sealing/header.json` @returns {any} */
export function read(path) {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url), "utf8"));
}

/** @param {{shake256: string, length: number}} long @returns {Uint8Array} the byte string that this stands for */
export function shake({ shake256, length }) {
  return new Uint8Array(createHash("shake256", { outputLength: length }).update(shake256).digest());
}

/** @param {() => unknown} call @returns {Promise<string>} `ok` or the code of the refusal */
export async function outcome(call) {
  try {
    await call();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return "ok";
}

/**
 * A reproducible stream of random bytes, the same as kernel/entropy.py's SeededEntropy.
 * @param {string | Uint8Array} seed ASCII
 * @param {number} [count] how often the stream was drawn from before
 * @returns {(size: number) => Uint8Array}
 */
export function seeded(seed, count = 0) {
  return (size) => {
    count += 1;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(count));
    const hash = createHash("shake256", { outputLength: size });
    return new Uint8Array(hash.update(seed).update(counter).digest());
  };
}
