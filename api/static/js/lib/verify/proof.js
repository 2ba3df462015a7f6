/**
 * The C2SP tlog-proof of one leaf; inclusion and consistency themselves are `verifyInclusion` and `verifyConsistency`.
 *
 * The numbers in comments are those of the recipe in docs/spec/trail.md, section 6. Sizes and indexes are Numbers: no
 * log reaches 2^53 entries; what is above is refused as no tree of ours.
 */

import { base64, unbase64 } from "../bytes.js";
import { leafHash, verifyInclusion } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as notes from "./note.js";
import { reading } from "./strict.js";

export { verifyConsistency, verifyInclusion } from "../merkle.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const MAX_HASHES = 63;
const MAX_EXTRA = 65536;
const PROOF = new RegExp(
  `^${HEADER.replaceAll(".", "\\.")}\\n(?:extra ([A-Za-z0-9+/]+=*)\\n)?index (0|[1-9][0-9]{0,18})\\n` +
    `((?:[A-Za-z0-9+/]{43}=\\n){0,${MAX_HASHES}})\\n`,
);

/**
 * A parsed proof; `extra` is not authenticated.
 * @typedef {{index: number, path: Uint8Array[], checkpoint: string, extra: Uint8Array}} Proof
 */

/**
 * Read a tlog-proof strictly, without verifying it; refusals `proof.malformed`, `note.malformed`.
 * @param {Uint8Array | string} data
 * @returns {Proof}
 */
export function parse(data) {
  const text = notes.textOf(data, "proof.malformed");
  const match = PROOF.exec(text);
  if (!match) throw new Refusal("proof.malformed");
  const proof = reading("proof.malformed", () => ({
    index: Number(match[2]),
    path: match[3].split("\n").slice(0, -1).map(unbase64),
    extra: unbase64(match[1] ?? ""),
    checkpoint: text.slice(match[0].length),
  }));
  if (proof.extra.length > MAX_EXTRA || !Number.isSafeInteger(proof.index)) throw new Refusal("proof.malformed");
  notes.parse(proof.checkpoint);
  return proof;
}

/**
 * Return a proof's text.
 * @param {Proof} proof
 */
export function encode({ index, path, checkpoint, extra }) {
  const said = extra.length ? `extra ${base64(extra)}\n` : "";
  return `${HEADER}\n${said}index ${index}\n${path.map((hash) => `${base64(hash)}\n`).join("")}\n${checkpoint}`;
}

/**
 * Check that the log with this key holds the 32-byte commitment; return its index and the checkpoint.
 * Refusals: `proof.malformed`, `merkle.not_included`, and those of `note.checkCheckpoint`.
 * @param {Uint8Array | string} data
 * @param {Uint8Array} commitment
 * @param {notes.Key} key
 */
export function check(data, commitment, key) {
  const proof = parse(data); // 1
  const head = notes.checkCheckpoint(proof.checkpoint, key); // 2
  verifyInclusion(leafHash(commitment), proof.index, head.size, proof.path, head.root); // 3 and 4
  return { index: proof.index, head };
}
