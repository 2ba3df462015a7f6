/**
 * A time that a device may believe: a fresh token of the pinned authority (docs/spec/draw.md, "Withheld nonces").
 *
 * The digest was never stamped before, so the token is one of now; neither the platform's word nor the device's own
 * clock counts.
 */
import { concat, unhex } from "./bytes.js";
import { sha256 } from "./merkle.js";
import * as timestamp from "./verify/timestamp.js";

// TimeStampReq (RFC 3161 2.4.1): version 1, SHA-256 imprint …
const BEFORE = unhex("30390201013031300d060960864801650304020105000420");
// … and certReq true.
const AFTER = unhex("0101ff");

/**
 * Return a fresh digest and the query to have it stamped.
 * @param {(size: number) => Uint8Array} random
 */
export function ask(random) {
  const digest = sha256(random(32));
  return { digest, query: concat(BEFORE, digest, AFTER) };
}

/**
 * Return the time (microseconds) that the authority's response to `ask` proves; what `timestamp.check` throws.
 * @param {Uint8Array} response
 * @param {Uint8Array} digest
 * @param {string} chain pinned certificates, PEM
 */
export async function read(response, digest, chain) {
  return (await timestamp.check(response, digest, chain, { sandbox: true })).time;
}
