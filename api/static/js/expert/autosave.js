/**
 * What is typed on a sheet is kept: at once in this browser, a moment later on the server, again and again until that holds.
 *
 * The browser's copy goes when the sheet is handed in. Of two windows the one that was typed in last wins, and knows that
 * it overwrites because each save names the version that it changes.
 */
import { api, Refusal } from "../http.js";

const PREFIX = "sheet/";
const LATER = 1200;
const PATIENCE = [3000, 6000, 15000, 30000];

/** @typedef {import("./sheet.js").Content} Content */
/** @typedef {{content: Content, version: number, at: number, waiting: boolean}} Kept */

/** Keeps one sheet. */
export class Keeper {
  #timer = 0;
  #tries = 0;
  #busy = false;

  /**
   * @param {{key: string, path: string, version: number, read: () => Content, told: (state: string, at: number) => void}} what
   *   `told` hears `local`, `saved`, `offline`, `refused`
   */
  constructor({ key, path, version, read, told }) {
    this.key = PREFIX + key;
    this.path = path;
    this.version = version;
    this.read = read;
    this.told = told;
    window.addEventListener("online", () => this.#soon(0));
  }

  /**
   * What this browser kept and the page does not show: the server never got it, or got it while the page was being made.
   * @returns {Content | null}
   */
  left() {
    const kept = this.#kept();
    if (!kept || (!kept.waiting && kept.version <= this.version)) return null;
    this.version = Math.max(this.version, kept.version);
    return kept.content;
  }

  /** Something was typed. */
  changed() {
    this.#keep(true);
    this.told("local", Date.now());
    this.#tries = 0;
    this.#soon(LATER);
  }

  /** Send now what waits, as before a page is left. */
  flush() {
    if (this.#kept()?.waiting) this.#soon(0);
  }

  /** The sheet was handed in: nothing stays behind. */
  done() {
    clearTimeout(this.#timer);
    localStorage.removeItem(this.key);
  }

  async #send() {
    if (this.#busy || !this.#kept()?.waiting) return;
    this.#busy = true;
    const content = this.read();
    try {
      const kept = await api("PUT", this.path, { content, version: this.version });
      this.version = kept.version;
      this.#tries = 0;
      const same = JSON.stringify(content) === JSON.stringify(this.read());
      this.#keep(!same);
      this.told("saved", Date.parse(kept.saved_at));
      if (!same) this.#soon(LATER);
    } catch (error) {
      await this.#failed(/** @type {Refusal} */ (error));
    } finally {
      this.#busy = false;
    }
  }

  /** @param {Refusal & {code?: string, status?: number, params?: Record<string, any>}} error */
  async #failed(error) {
    if (error.code === "evaluation.draft_changed") {
      this.version = Number(error.params?.version ?? (await this.#present()));
      return this.#soon(50);
    }
    if (error.code === "evaluation.scored") return this.done();
    this.told(error.code === "network" || (error.status ?? 0) >= 500 ? "offline" : "refused", Date.now());
    this.#soon(PATIENCE[Math.min(this.#tries++, PATIENCE.length - 1)]);
  }

  async #present() {
    const drafts = await api("GET", this.path.replace(/\/[^/]+$/, ""));
    return drafts.find((/** @type {{bid: string}} */ one) => this.path.endsWith(one.bid))?.version ?? 0;
  }

  /** @param {number} wait */
  #soon(wait) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#send(), wait);
  }

  /** @param {boolean} waiting */
  #keep(waiting) {
    const kept = { content: this.read(), version: this.version, at: Date.now(), waiting };
    localStorage.setItem(this.key, JSON.stringify(kept));
  }

  /** @returns {Kept | null} */
  #kept() {
    const text = localStorage.getItem(this.key);
    return text ? JSON.parse(text) : null;
  }
}
