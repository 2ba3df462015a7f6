/**
 * The transcript of a key making, checked by itself (docs/spec/opening-key.md, "Transcript"). libsodium must be
 * `ready`.
 */

import { hex } from "../bytes.js";
import { verify } from "../transcript.js";
import { step } from "./steps.js";

/**
 * Check a transcript; return the step that held. Refusals: `transcript.malformed`, `keymaking.*`, `group.*`.
 * @param {Uint8Array} data
 */
export function checkTranscript(data) {
  return step(1, "transcript", hex(verify(data).hash));
}
