/** The part of a page where the key file is chosen (or the one kept in this browser taken) and unlocked. */
import { kept } from "../keystore.js";
import { t } from "../words.js";
import { call } from "./device.js";
import { showProblems, showRefusal } from "./page_parts.js";

export class KeyField {
  /** @type {Uint8Array | null} */
  #kept = null;

  /** @param {HTMLElement} form that holds the part */
  constructor(form) {
    this.part = /** @type {HTMLElement} */ (form.querySelector("[data-key]"));
    this.enrolled = this.part.dataset.key ?? "";
    this.#one("other").querySelector("button")?.addEventListener("click", () => this.#show(null));
    kept(this.enrolled).then((file) => this.#show(file), () => this.#show(null)); // prettier-ignore
  }

  /** @returns {Promise<boolean>} whether the enrolled key is open now; what is wrong is shown */
  async unlock() {
    const [file, passphrase] = this.part.querySelectorAll("input");
    const chosen = this.#kept ?? (await bytesOf(file.files?.[0]));
    if (chosen === null) return this.#wrong(t("pages.bid.key_missing"), file.id);
    if (!passphrase.value) return this.#wrong(t("pages.bid.passphrase_missing"), passphrase.id);
    try {
      const { deviceKey } = await call("unlock", [chosen, passphrase.value]);
      if (deviceKey !== this.enrolled) return this.#wrong(t("pages.bid.key_is_other"), file.id);
    } catch (error) {
      showRefusal(error, passphrase.id);
      return false;
    }
    passphrase.value = "";
    showProblems([]);
    return true;
  }

  /** @param {string} text @param {string} field */
  #wrong(text, field) {
    showProblems([{ text, field }]);
    return false;
  }

  /** @param {Uint8Array | null} file */
  #show(file) {
    this.#kept = file;
    this.#one("kept").hidden = file === null;
    this.#one("other").hidden = file === null;
    this.#one("choose").hidden = file !== null;
  }

  /** @param {string} name */
  #one(name) {
    return /** @type {HTMLElement} */ (this.part.querySelector(`[data-key-${name}]`));
  }
}

/** @param {File | undefined} file @returns {Promise<Uint8Array | null>} */
export async function bytesOf(file) {
  return file ? new Uint8Array(await file.arrayBuffer()) : null;
}
