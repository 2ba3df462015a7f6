/**
 * What the server asks the custodians: which envelopes of a lot to help open, with everything to check it by.
 *
 * Strict reading only, the same as bidding/opening_request.py; docs/spec/opening.md, "Request". Nothing in a request is
 * believed before `custodian.examine` has checked it.
 */
import { unhex } from "./bytes.js";
import * as canonical from "./canonical.js";
import { sha256 } from "./merkle.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";

const FORMAT = "ggzy/opening-request/v1";
const STAMPED = "ggzy/stamped-request/v1";
const MAX_BYTES = 64 << 20;
const MAX_TOKEN = 64 << 10;

const ENTRY = shape.object({ event: shape.record, salt: shape.hash, proof: shape.text(1, 32768) });
const SEALED_BID = shape.object({ manifest: shape.record, signature: shape.pair, entry: ENTRY });
const REQUEST = shape.object({
  format: shape.oneOf(FORMAT),
  tender: shape.identifier,
  lot: shape.identifier,
  stage: shape.whole(1, 2),
  deadline: shape.time,
  key: shape.hash,
  transcript: shape.hash,
  key_index: shape.whole(0),
  deadlines: shape.list(ENTRY, 1, 64),
  reached: shape.list(ENTRY, 0, 8),
  bids: shape.list(SEALED_BID, 1, 4096),
});
const WRAPPED = shape.object({ format: shape.oneOf(STAMPED), request: shape.record, token: shape.bytes });

/** The opening of a log entry and its C2SP tlog-proof. @typedef {{event: any, salt: string, proof: string}} Entry */
/** @typedef {{manifest: any, signature: string, entry: Entry}} SealedBid */
/**
 * @typedef {{tender: string, lot: string, stage: number, deadline: string, key: string, transcript: string,
 *   key_index: number, deadlines: Entry[], reached: Entry[], bids: SealedBid[]}} Request
 */

/**
 * Parse a stamped request strictly; `opening_request.malformed`.
 * @param {Uint8Array} data
 * @returns {{request: Request, digest: Uint8Array, token: Uint8Array}} the request, its SHA-256, the token over that
 */
export function parse(data) {
  if (data.length > MAX_BYTES + 2 * MAX_TOKEN + 1024) throw malformed();
  let wrapped, content;
  try {
    wrapped = canonical.decode(data);
    if (!WRAPPED(wrapped) || wrapped.token.length > 2 * MAX_TOKEN) throw malformed();
    content = canonical.encode(wrapped.request);
  } catch {
    throw malformed();
  }
  if (content.length > MAX_BYTES || !REQUEST(wrapped.request)) throw malformed();
  return { request: wrapped.request, digest: sha256(content), token: unhex(wrapped.token) };
}

function malformed() {
  return new Refusal("opening_request.malformed");
}
