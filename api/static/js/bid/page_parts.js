/** What the bidder's pages share: the summary of problems, tags, rows, sizes and times in words. */
import { t } from "../words.js";

const DAY = 86_400; // seconds

/** @param {string} id @returns {any} the element of this page with the id */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Show what is wrong on top of the page, each line leading to its field; nothing hides the summary.
 * @param {{text: string, field?: string}[]} problems
 */
export function showProblems(problems) {
  const box = byId("problems");
  const lines = problems.map(({ text, field }) => {
    const line = document.createElement("li");
    const link = field ? document.createElement("a") : line;
    link.textContent = text;
    if (field) {
      /** @type {HTMLAnchorElement} */ (link).href = `#${field}`;
      line.append(link);
    }
    return line;
  });
  box.querySelector("ul").replaceChildren(...lines);
  box.hidden = problems.length === 0;
  clearFields();
  for (const { text, field } of problems) if (field) mark(byId(field), text);
  if (problems.length) box.focus();
}

/** Put the words at the field as well, and tie them to it for those who do not see them. @param {HTMLInputElement} input @param {string} text */
function mark(input, text) {
  const field = /** @type {HTMLElement} */ (input.closest(".field"));
  const said = document.createElement("p");
  [said.className, said.id, said.textContent] = ["wrong", `${input.id}-wrong`, text];
  field.classList.add("bad");
  field.insertBefore(said, input.closest(".option") ?? input);
  input.setAttribute("aria-invalid", "true");
  input.dataset.described = input.getAttribute("aria-describedby") ?? "";
  input.setAttribute("aria-describedby", `${input.dataset.described} ${said.id}`.trim());
}

function clearFields() {
  for (const input of document.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", /** @type {HTMLElement} */ (input).dataset.described ?? "");
    input.closest(".field")?.classList.remove("bad");
    document.getElementById(`${input.id}-wrong`)?.remove();
  }
}

/**
 * Show a refusal on top of the page.
 * @param {unknown} error
 * @param {string} [field]
 */
export function showRefusal(error, field) {
  showProblems([{ text: wordsOf(error), field }]);
}

/** @param {any} error @returns {string} the words of a refusal of the server or of this device */
export function wordsOf(error) {
  if (error?.code === undefined) return t("device.failed", { error: String(error) });
  if (error.code === "network") return t("pages.bid.network");
  return error.detail || t(error.code, error.params);
}

/** @param {string} state good, bad, wait, off, plain @param {string} text @returns {Element} a tag as the server makes them */
export function tag(state, text) {
  const template = /** @type {HTMLTemplateElement} */ (document.querySelector(`template[data-tag-of="${state}"]`));
  const made = /** @type {Element} */ (template.content.firstElementChild?.cloneNode(true));
  made.append(text);
  return made;
}

/** @param {[string, string | Node][]} pairs @returns {Element[]} rows of a summary list */
export function rows(pairs) {
  return pairs.map(([name, value]) => {
    const row = document.createElement("div");
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    said.append(value);
    row.append(term, said);
    return row;
  });
}

/** @param {number} seconds @returns {string} */
export function span(seconds) {
  if (seconds < 60) return t("pages.bid.seconds", { seconds: Math.max(1, Math.round(seconds)) });
  if (seconds >= 2 * DAY) return t("pages.bid.days", { days: Math.round(seconds / DAY) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("pages.bid.minutes", { minutes });
  return t("pages.bid.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/**
 * Give a file to the person, as a download.
 * @param {Blob} content
 * @param {string} name
 */
export function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Run a form's work when it is sent; its button is off meanwhile. @param {HTMLFormElement} form @param {() => Promise<void>} work */
export function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await busy(form.querySelector("button:not([type=button])"), work);
  });
}

/** @param {Element | null} button @param {() => Promise<unknown>} work */
export async function busy(button, work) {
  const one = /** @type {HTMLButtonElement} */ (button);
  if (one.disabled) return;
  one.disabled = true;
  try {
    await work();
  } finally {
    one.disabled = false;
  }
}
