/**
 * What a device computes for a draw of experts from what the platform told it (api/drawing.py): the plan that it commits
 * to, and the opening key as its transcript proves it.
 */
import { hex, unhex, utf8 } from "./bytes.js";
import * as nonce from "./nonce.js";
import { Refusal } from "./refusal.js";
import * as transcript from "./transcript.js";
import * as moment from "./verify/moment.js";

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)$/;

/**
 * What the API tells of a draw.
 * @typedef {{id: string, tender_id: string, lot_id: string, round: number, roster: string, release_at: string,
 *   key_hash: string, checkpoint: string | null, beacon_signature: string | null}} Told
 */

/**
 * Return the plan of a draw under its opening key.
 * @param {Told} told
 * @param {import("./transcript.js").OpeningKey} key
 * @returns {nonce.Plan}
 */
export function planOf(told, key) {
  const release = canonicalTime(told.release_at);
  const { id: draw, tender_id: tender, lot_id: lot, round, roster } = told;
  return { draw, tender, lot, round, roster, release, key };
}

/**
 * Return the key of this hash (hex) as the transcript proves it, not as the server says it; `draw.untrusted_key`.
 * @param {Uint8Array} content the transcript
 * @param {string} keyHash
 */
export function openingKey(content, keyHash) {
  const found = transcript.verify(content).keys.find((one) => hex(one.keyHash) === keyHash);
  if (!found) throw new Refusal("draw.untrusted_key");
  return found;
}

/**
 * Return the digest (hex) of the seed that the platform told; `draw.wrong_step` before it is fixed.
 * @param {string} draw
 * @param {{checkpoint: string | null, beacon_signature: string | null}} told
 */
export function seedOf(draw, told) {
  if (told.checkpoint === null) throw new Refusal("draw.wrong_step", { state: "" });
  return nonce.seedDigest(draw, told.checkpoint, told.beacon_signature);
}

/**
 * Return a withheld nonce's commitment if it is of this draw; what `nonce.read` throws, `draw.other_draw`.
 * @param {string} draw
 * @param {{message: string, device_key: string}} sealed
 */
export function withheld(draw, sealed) {
  const commitment = nonce.read(utf8(sealed.message), unhex(sealed.device_key));
  if (commitment.draw !== draw) throw new Refusal("draw.other_draw", { field: "draw" });
  return commitment;
}

/** @param {string} text a time as JSON has it @returns {string} as canonical bytes have it; `draw.bad_commitment` */
function canonicalTime(text) {
  const match = TIME.exec(text);
  const written = match ? `${match[1]}.${(match[2] ?? "").padEnd(6, "0")}Z` : "";
  if (moment.parse(written) === null) throw new Refusal("draw.bad_commitment");
  return written;
}
