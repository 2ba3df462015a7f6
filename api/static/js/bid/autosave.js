/**
 * A bid's draft on its page: kept a moment after something was typed, sealed by the device, restored once it is unlocked.
 *
 * Nothing of it leaves the device, and nothing is written in the clear; the names of files are kept, the files are not.
 */
import { civil, serverNow } from "../clock.js";
import { t } from "../words.js";
import { call } from "./device.js";
import * as drafts from "./drafts.js";
import { byId, wordsOf } from "./page_parts.js";

const LATER = 400; // milliseconds after the last key

export class Autosave {
  #place;
  #envelopes;
  #timer = 0;
  #deadline = "";
  /** Saves run one after the other, so that the last one typed is the one kept. */
  #saving = Promise.resolve();
  #said = byId("draft").querySelector("[data-draft-said]");
  #drop = byId("draft").querySelector("button");

  /**
   * @param {drafts.Place} place
   * @param {import("./envelope_form.js").EnvelopeForm[]} envelopes
   */
  constructor(place, envelopes) {
    this.#place = place;
    this.#envelopes = envelopes;
    for (const { section } of envelopes) section.addEventListener("input", () => this.#changed());
    this.#drop.addEventListener("click", () => this.#discard());
  }

  /**
   * Fill in what was kept; the device must be open.
   * @param {string} deadline until which drafts of this lot are kept
   */
  async restore(deadline) {
    if (this.#deadline) return; // the key was asked for once more: what stands on the page is newer
    this.#deadline = deadline;
    const found = await drafts.find(this.#place);
    if (found === null) return;
    try {
      const content = await call("openDraft", [this.#bound(found.savedAt), found.sealed]);
      for (const envelope of this.#envelopes) envelope.fill(content[envelope.kind]);
      this.#tell("pages.bid.draft_found", { time: civil(found.savedAt) }, true);
    } catch (error) {
      this.#tell("pages.bid.draft_lost", { why: wordsOf(error) }, true);
    }
  }

  /** Keep now what waits to be kept: soon the device is closed. */
  async flush() {
    if (this.#timer) this.#begin();
    await this.#saving;
  }

  #changed() {
    clearTimeout(this.#timer);
    addEventListener("beforeunload", warn);
    this.#timer = window.setTimeout(() => this.#begin(), LATER);
  }

  #begin() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#saving = this.#saving.then(() => this.#save());
  }

  async #save() {
    const savedAt = Math.floor(serverNow());
    try {
      const content = Object.fromEntries(this.#envelopes.map((one) => [one.kind, one.typed()]));
      const sealed = await call("sealDraft", [this.#bound(savedAt), content]);
      await drafts.keep({ ...this.#place, deadline: this.#deadline, savedAt, sealed });
    } catch (error) {
      return this.#tell("pages.bid.draft_failed", { why: wordsOf(error) }, false);
    }
    if (!this.#timer) removeEventListener("beforeunload", warn);
    this.#tell("pages.bid.draft_saved", { time: civil(savedAt).slice(11) }, true);
  }

  async #discard() {
    await this.flush();
    await drafts.forget(this.#place);
    removeEventListener("beforeunload", warn);
    for (const envelope of this.#envelopes) envelope.fill({ values: {}, files: [] });
    this.#tell("pages.bid.draft_dropped", {}, false);
    this.#said.focus();
  }

  /** @param {number} savedAt @returns {import("../lib/draft.js").Place} */
  #bound(savedAt) {
    return { lot: this.#place.lot, bidder: this.#place.uscc, saved_at: savedAt };
  }

  /** @param {string} code @param {Record<string, unknown>} params @param {boolean} kept whether there is a draft to discard */
  #tell(code, params, kept) {
    this.#said.textContent = t(code, params);
    this.#drop.hidden = !kept;
  }
}

/** Ask before the page is left with something that is not kept yet. @param {BeforeUnloadEvent} event */
function warn(event) {
  event.preventDefault();
}
