/** What a custodian's device does in a draw of experts: commit to a nonce, reveal it, help to open a withheld one. */
import { text, utf8 } from "../lib/bytes.js";
import * as drawing from "../lib/drawing.js";
import * as nonce from "../lib/nonce.js";
import { Refusal } from "../lib/refusal.js";
import * as remembered from "../lib/remembered.js";
import { randomBytes } from "../lib/sodium.js";
import * as trustedTime from "../lib/trusted_time.js";
import { Device } from "./device.js";

export class DrawingDevice extends Device {
  /** @type {Uint8Array | null} */
  #digest = null;

  /**
   * Make a nonce unless one is held for this draw, keep it, and return the signed commitment.
   * @param {import("../lib/drawing.js").Told} told
   * @param {string} transcript
   * @param {string} role
   */
  async commit(told, transcript, role) {
    const key = drawing.openingKey(utf8(transcript), told.key_hash);
    const name = remembered.nonceName(told.id);
    if (!this.secrets.has(name)) await this.keep(new Map([...this.secrets, [name, randomBytes(nonce.NONCE_SIZE)]]));
    const kept = /** @type {Uint8Array} */ (this.secrets.get(name));
    return text(await nonce.commit(drawing.planOf(told, key), role, kept, this.device, randomBytes));
  }

  /**
   * Return the signed reveal of the nonce for the one seed of this draw; `draw.no_nonce`, `draw.other_seed`.
   * @param {import("../lib/drawing.js").Told} told
   */
  async reveal(told) {
    const kept = this.secrets.get(remembered.nonceName(told.id));
    if (!kept) throw new Refusal("draw.no_nonce");
    return text(nonce.reveal(told.id, kept, await this.#onlySeed(told.id, told), this.device));
  }

  /** @returns {Uint8Array} the query that the time authority answers for `recover` */
  askTime() {
    const { digest, query } = trustedTime.ask(randomBytes);
    this.#digest = digest;
    return query;
  }

  /**
   * Return this custodian's signed share for each withheld nonce, after the release time by the authority's token.
   * @param {string} draw
   * @param {{message: string, device_key: string, checkpoint: string, beacon_signature: string | null}[]} sealed
   * @param {string} transcript
   * @param {Uint8Array} response the authority's answer to `askTime`
   * @param {string} chain
   */
  async recover(draw, sealed, transcript, response, chain) {
    if (!this.#digest) throw new Refusal("timestamp.wrong_digest");
    const now = await trustedTime.read(response, this.#digest, chain);
    this.#digest = null;
    const answers = [];
    for (const one of sealed) {
      const commitment = drawing.withheld(draw, one);
      const key = drawing.openingKey(utf8(transcript), commitment.key);
      const { index, share } = remembered.shareOf(this.secrets, key.transcript, key.index);
      const seed = await this.#onlySeed(draw, one);
      const own = { custodian: index, share, device: this.device };
      const answer = nonce.answer(commitment, key, own, { seed, now }, randomBytes);
      answers.push({ role: commitment.role, message: text(answer) });
    }
    return answers;
  }

  /** Return the digest of a draw's seed, kept before anything is given for it; no second one is ever signed. */
  /**
   * @param {string} draw
   * @param {{checkpoint: string | null, beacon_signature: string | null}} told
   */
  async #onlySeed(draw, told) {
    const seed = drawing.seedOf(draw, told);
    const bound = remembered.withSeed(this.secrets, draw, seed);
    if (!this.secrets.has(`draw-seed:${draw}`)) await this.keep(bound);
    return seed;
  }
}
