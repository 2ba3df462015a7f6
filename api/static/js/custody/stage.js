/** What the custodians' pages share: which part of a page is seen, what is being done, what went wrong. */
import { t } from "../words.js";

/**
 * Return an element of the page by its id.
 * @param {string} id
 * @returns {any}
 */
export const part = (id) => document.getElementById(id);

/**
 * Show parts of the page.
 * @param {...string} ids
 */
export function show(...ids) {
  for (const id of ids) part(id).hidden = false;
}

/**
 * Hide parts of the page.
 * @param {...string} ids
 */
export function hide(...ids) {
  for (const id of ids) part(id).hidden = true;
}

/**
 * Say what is being done now; nothing without a code.
 * @param {string} [code]
 * @param {Record<string, unknown>} [params]
 */
export function doing(code, params) {
  part("doing").hidden = !code;
  part("doing").textContent = code ? t(`pages.custody.js.${code}`, params) : "";
}

/**
 * Show what went wrong, in words, and move the focus there.
 * @param {any} error
 */
export function fail(error) {
  doing();
  const words = error.detail || (error.code ? t(error.code, error.params) : t("pages.custody.js.failed"));
  part("trouble").querySelector("p").textContent = error.code ? words + t("page.aside", { text: error.code }) : words;
  show("trouble");
  part("trouble").focus();
  if (!error.code) throw error; // a fault of ours belongs into the console too
}

/**
 * Do the work of a form when it is sent, once at a time; what it throws is shown.
 * @param {string} id
 * @param {(form: HTMLFormElement) => Promise<void>} work
 */
export function onSend(id, work) {
  const form = part(id);
  form?.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    hide("trouble");
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      await work(form);
    } catch (error) {
      fail(error);
    } finally {
      button.disabled = false;
    }
  });
}

/**
 * Let a link save a file.
 * @param {Uint8Array} file
 */
export function offer(file) {
  const link = part("save");
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([/** @type {BlobPart} */ (file)], { type: "application/json" }));
}

/** Bring the part of the page that follows the server up to date now, not at its next turn. */
export function refresh() {
  part("progress").dispatchEvent(new Event("refresh"));
}

/** @param {number} milliseconds */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
