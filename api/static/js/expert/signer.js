/**
 * The device key on an expert's page: unlocked once by passphrase, held by its Worker, gone when the page is left.
 *
 * The key file comes from this browser, where key making left it, or from a file. Its key must be the enrolled one.
 */
import { wordsOf } from "./problems.js";
import { call, stop } from "../bid/device.js";
import { kept } from "../keystore.js";
import { t } from "../words.js";

const IDLE = 15 * 60 * 1000;

/** One page's signer, bound to its `[data-signer]` section. */
class Signer {
  #open = false;
  #timer = 0;

  /** @param {HTMLElement} section */
  constructor(section) {
    this.section = section;
    this.device = String(section.dataset.device);
    this.form = /** @type {HTMLFormElement} */ (section.querySelector("[data-signer-form]"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.unlock();
    });
    this.#part("lock").addEventListener("click", () => this.lock());
    kept(this.device).then(
      (found) => (this.#part("kept").hidden = !found),
      () => undefined,
    );
  }

  /**
   * Sign fields that name their format.
   * @param {Record<string, any>} fields
   * @returns {Promise<string | null>} the message, null while the key is locked (the person is led to it)
   */
  async sign(fields) {
    if (!this.#open) {
      this.#tell(t("pages.expert.js.unlock_first"));
      this.section.scrollIntoView({ block: "center" });
      this.#passphrase().focus();
      return null;
    }
    this.#stay();
    return call("sign", [fields]);
  }

  /** Read the key file with the passphrase that was typed. */
  async unlock() {
    const passphrase = this.#passphrase();
    this.#tell(t("pages.expert.js.unlocking"));
    try {
      const { deviceKey } = await call("unlock", [await this.#file(), passphrase.value]);
      if (deviceKey !== this.device) throw new Error(t("pages.expert.js.other_device"));
      this.#open = true;
      passphrase.value = "";
      this.#show();
      this.#stay();
    } catch (error) {
      this.#tell(wordsOf(error, t));
      passphrase.focus();
    }
  }

  /** Forget the key. */
  lock() {
    stop();
    this.#open = false;
    clearTimeout(this.#timer);
    this.#show();
  }

  async #file() {
    const file = /** @type {HTMLInputElement} */ (this.form.querySelector("input[type=file]")).files?.[0];
    const data = file ? new Uint8Array(await file.arrayBuffer()) : await kept(this.device);
    if (!data) throw new Error(t("pages.expert.js.no_key"));
    return data;
  }

  #stay() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.lock(), IDLE);
  }

  #show() {
    this.form.hidden = this.#open;
    this.#part("open").hidden = !this.#open;
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
