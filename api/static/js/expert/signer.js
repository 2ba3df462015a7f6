/**
 * The device key on an expert's page: unlocked once by passphrase, kept in this page's memory, gone when it is left.
 *
 * The key file comes from this browser, where key making left it, or from a file. Its key must be the enrolled one.
 */
import { bytesOfStored } from "./stored.js";
import { hex, text } from "../lib/bytes.js";
import { deviceKey, decrypt } from "../lib/keyfile.js";
import { ready } from "../lib/sodium.js";
import { write } from "../lib/signed.js";
import { t } from "../words.js";

const IDLE = 15 * 60 * 1000;

/** One page's signer, bound to its `[data-signer]` section. */
export class Signer {
  /** @type {import("../lib/signed.js").Device | null} */
  #device = null;
  #timer = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    this.section = section;
    this.form = /** @type {HTMLFormElement} */ (section.querySelector("[data-signer-form]"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.unlock();
    });
    this.#part("lock").addEventListener("click", () => this.lock());
    bytesOfStored().then((found) => {
      this.#part("kept").hidden = !found;
    });
  }

  /** @returns {boolean} whether a signature can be made now */
  get open() {
    return this.#device !== null;
  }

  /**
   * Sign fields that name their format.
   * @param {Record<string, unknown>} fields
   * @returns {string | null} the message, null while the key is locked (the person is led to it)
   */
  sign(fields) {
    if (!this.#device) {
      this.#tell(t("pages.expert.js.unlock_first"));
      this.section.scrollIntoView({ block: "center" });
      this.#passphrase().focus();
      return null;
    }
    this.#stay();
    return text(write(fields, this.#device));
  }

  /** Read the key file with the passphrase that was typed. */
  async unlock() {
    const passphrase = this.#passphrase();
    this.#tell(t("pages.expert.js.unlocking"));
    try {
      const device = await this.#read(passphrase.value);
      if (hex(device.publicKey) !== this.section.dataset.device) throw new Error("pages.expert.js.other_device");
      this.#device = device;
      passphrase.value = "";
      this.#show();
      this.#stay();
      this.section.dispatchEvent(new CustomEvent("signer-open", { bubbles: true }));
    } catch (error) {
      const code = error instanceof Error ? ("code" in error ? String(error.code) : error.message) : "";
      this.#tell(t(code));
      passphrase.focus();
    }
  }

  /** Forget the key. */
  lock() {
    this.#device = null;
    clearTimeout(this.#timer);
    this.#show();
  }

  /** @param {string} passphrase */
  async #read(passphrase) {
    const file = /** @type {HTMLInputElement} */ (this.form.querySelector("input[type=file]")).files?.[0];
    const data = file ? new Uint8Array(await file.arrayBuffer()) : await bytesOfStored();
    if (!data) throw new Error("pages.expert.js.no_key");
    await ready();
    await new Promise((done) => setTimeout(done, 30)); // let the page say that it is busy
    return deviceKey(decrypt(data, passphrase));
  }

  #stay() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.lock(), IDLE);
  }

  #show() {
    this.form.hidden = this.open;
    this.#part("open").hidden = !this.open;
    this.#tell("");
  }

  /** @param {string} words */
  #tell(words) {
    const place = this.#part("wrong");
    place.hidden = !words;
    place.textContent = words;
  }

  #passphrase() {
    return /** @type {HTMLInputElement} */ (this.form.querySelector("input[type=password]"));
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    return /** @type {HTMLElement} */ (this.section.querySelector(`[data-signer-${name}]`));
  }
}

/** @returns {Signer | null} the signer of this page, if it has one */
export function signerOfPage() {
  const section = /** @type {HTMLElement | null} */ (document.querySelector("[data-signer]"));
  return section ? new Signer(section) : null;
}
