/**
 * A custodian's signed answer to an opening request: one share with proof for each envelope, or why there is none.
 *
 * The same bytes as bidding/opening_shares.py; docs/spec/opening.md, "Answer".
 */
import { hex } from "./bytes.js";
import * as encapsulation from "./encapsulation.js";
import { hashOf } from "./header.js";
import * as opening from "./opening.js";
import { Refusal } from "./refusal.js";
import * as signed from "./signed.js";

const FORMAT = "ggzy/opening-shares/v1";

/**
 * What is answered: the digest of the request, the opening key, the envelopes to open in their order.
 * @typedef {{request: Uint8Array, key: import("./transcript.js").OpeningKey,
 *   envelopes: import("./manifest.js").Envelope[]}} Question
 */
/** @typedef {{header: string, image: string | null, proof: string | null, refused: string | null}} Share */

/**
 * Return the signed answer of a custodian whose share of the key is x_i; each U's proof is checked first.
 * @param {Question} question
 * @param {number} custodian
 * @param {Uint8Array} share
 * @param {import("./signed.js").Device} device
 * @param {(size: number) => Uint8Array} random
 * @returns {{message: Uint8Array, shares: Share[]}} the message to send, and what stands in it
 */
export function write(question, custodian, share, device, random) {
  const shares = question.envelopes.map((envelope) => shareOf(question.key, envelope, custodian, share, random));
  const fields = {
    format: FORMAT,
    request: hex(question.request),
    key: hex(question.key.keyHash),
    custodian,
    shares,
  };
  return { message: signed.write(fields, device), shares };
}

/**
 * One bad bid is refused by itself and never stops the others.
 * @param {import("./transcript.js").OpeningKey} key
 * @param {import("./manifest.js").Envelope} envelope
 * @param {number} custodian
 * @param {Uint8Array} share
 * @param {(size: number) => Uint8Array} random
 * @returns {Share}
 */
function shareOf(key, envelope, custodian, share, random) {
  const headerHash = hashOf(envelope.headerBytes);
  try {
    encapsulation.verify(envelope.header, headerHash, envelope.preamble);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { header: hex(headerHash), image: null, proof: null, refused: error.code };
  }
  const context = opening.shareContext(key.keyHash, headerHash, custodian);
  const { image, proof } = opening.partial(share, envelope.header.point, context, random);
  return { header: hex(headerHash), image: hex(image), proof: hex(proof), refused: null };
}
