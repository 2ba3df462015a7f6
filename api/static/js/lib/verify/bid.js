/** A sealed bid held against its receipt: step 6 of docs/spec/receipt.md, section 4. libsodium must be `ready`. */

import * as bidfile from "../bidfile.js";
import { equal, hex } from "../bytes.js";
import * as manifests from "../manifest.js";
import { Refusal } from "../refusal.js";
import { BodyHasher, bodyRoot } from "../segments.js";
import { pieces } from "./source.js";

/**
 * Check that a file is the sealed bid that a receipt's event names, every byte of it; return how many envelopes it has.
 * Refusals: `receipt.other_bid`, `bid.*`.
 * @param {Blob} blob
 * @param {Record<string, any>} said the event's data
 * @param {(bytes: number) => void} [progress]
 * @returns {Promise<number>}
 */
export async function checkBid(blob, said, progress = () => {}) {
  const bid = await bidfile.read(blob);
  const named = said.manifest === hex(manifests.digestOf(bid.encoded)) && said.signer === hex(bid.manifest.signer);
  if (!named) throw new Refusal("receipt.other_bid");
  manifests.verifySignature(bid.encoded, bid.signature, bid.manifest.signer);
  let at = bid.offset;
  for (const envelope of bid.manifest.envelopes) {
    const hasher = new BodyHasher();
    for await (const piece of pieces(blob.slice(at, at + envelope.length))) {
      hasher.update(piece);
      progress(piece.length);
    }
    if (!equal(bodyRoot(await hasher.finish()), envelope.root))
      throw new Refusal("bid.bad_root", { envelope: envelope.header.kind });
    at += envelope.length;
  }
  return bid.manifest.envelopes.length;
}
