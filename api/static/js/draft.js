/**
 * Drafts of forms (`<form data-draft="key">`), kept in this browser until the form was taken; never passwords or files.
 * They are kept by person: who signs in after another at the same machine finds none of theirs.
 */
import { t } from "./words.js";
import { civil, serverNow } from "./clock.js";

const PERSON = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="person"]'))?.content ?? "";
const PREFIX = `draft/${PERSON}/`;
const SENT = "draft-sent";
const LIFE = 30 * 24 * 3600 * 1000;

/** Keep the drafts of all forms on the page, and forget the one whose form was taken on the page before. */
export function keepDrafts() {
  forget();
  for (const form of document.querySelectorAll("form[data-draft]")) keep(/** @type {HTMLFormElement} */ (form));
}

/** A form that was taken leads to a page that says so, or that holds the form no more; a refusal is no such page. */
function forget() {
  const key = sessionStorage.getItem(SENT);
  if (key === null) return;
  sessionStorage.removeItem(SENT);
  const [arrival] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  if (!document.referrer || (arrival?.responseStatus ?? 200) >= 400) return;
  const again = [...document.querySelectorAll("form[data-draft]")].some((form) => form.getAttribute("data-draft") === key);
  if (!again || document.querySelector("p.done")) localStorage.removeItem(PREFIX + key);
}

/** @param {HTMLFormElement} form */
function keep(form) {
  const key = PREFIX + form.dataset.draft;
  const note = document.createElement("p");
  note.className = "quiet draft";
  note.setAttribute("role", "status");
  form.append(note);
  if (!document.querySelector(".summary")) restore(form, key, note);
  let timer = 0;
  form.addEventListener("formdata", () => {
    // the form goes, whoever sends it; "submit" is also heard where a script holds it back
    clearTimeout(timer);
    sessionStorage.setItem(SENT, form.dataset.draft ?? "");
  });
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => save(form, key, note), 400);
  });
}

/** @param {HTMLFormElement} form @param {string} key @param {HTMLElement} note */
function save(form, key, note) {
  const values = fields(form).map((one) => [one.name, one.value, "checked" in one && one.checked]);
  localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
  note.textContent = t("page.saved_at", { time: civil(serverNow()).slice(11) });
}

/** @param {HTMLFormElement} form @param {string} key @param {HTMLElement} note */
function restore(form, key, note) {
  const kept = localStorage.getItem(key);
  if (!kept) return;
  const { at, values } = JSON.parse(kept);
  if (Date.now() - at > LIFE) return localStorage.removeItem(key);
  form.dispatchEvent(new CustomEvent("draft", { detail: values.map((/** @type {[string]} */ [name]) => name) }));
  const waiting = fields(form);
  for (const [name, value, checked] of values) {
    const at = waiting.findIndex((one) => one.name === name && (!ticked(one) || one.value === value));
    if (at < 0) continue;
    const [one] = waiting.splice(at, 1);
    if (ticked(one)) /** @type {HTMLInputElement} */ (one).checked = checked;
    else one.value = value;
  }
  note.textContent = t("page.draft_found") + " ";
  const drop = document.createElement("button");
  drop.type = "button";
  drop.className = "link";
  drop.textContent = t("page.draft_drop");
  drop.addEventListener("click", () => {
    localStorage.removeItem(key);
    location.reload();
  });
  note.append(drop);
}

/** @param {HTMLFormElement} form @returns {HTMLInputElement[]} */
function fields(form) {
  const left = ["password", "file", "hidden", "submit", "button"];
  return /** @type {HTMLInputElement[]} */ ([...form.elements]).filter((one) => one.name && !left.includes(one.type));
}

/** @param {HTMLInputElement} one */
function ticked(one) {
  return one.type === "radio" || one.type === "checkbox";
}
