/**
 * Tables of a form that grow (`data-rows`): rows are added and removed without asking the server, which does the same
 * for pages without scripts (api/web/rows.py); sums run along (`data-sum`: a column; `data-of`: the field with the whole).
 */
import { hundredths, written } from "./expert/points.js";
import { t } from "./words.js";

/** Watch every such table on the page. */
export function keepRows() {
  for (const table of document.querySelectorAll("[data-rows]")) keep(/** @type {HTMLElement} */ (table));
}

/** @param {HTMLElement} table */
function keep(table) {
  const form = /** @type {HTMLFormElement} */ (table.closest("form"));
  table.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("button");
    if (button?.name !== "rows") return;
    event.preventDefault();
    if (button.value.startsWith("add:")) add(table, Math.max(0, ...numbers(table)) + 1).focus();
    else remove(table, /** @type {HTMLElement} */ (button.closest("tr")));
    table.dispatchEvent(new Event("input", { bubbles: true }));
  });
  form.addEventListener("input", () => tell(table, form));
  form.addEventListener("draft", (event) => {
    fit(table, /** @type {CustomEvent<string[]>} */ (event).detail);
    queueMicrotask(() => restored(table, form)); // when the draft's values stand in the fields
  });
}

/** @param {HTMLElement} table @returns {HTMLElement[]} */
function rows(table) {
  return [...table.querySelectorAll("tbody tr")].map((row) => /** @type {HTMLElement} */ (row));
}

/** @param {HTMLElement} table @returns {number[]} the numbers of its rows */
function numbers(table) {
  return rows(table).map((row) => Number(row.dataset.number));
}

/** @param {HTMLElement} table @param {number} number @returns {HTMLInputElement} the row's first field */
function add(table, number) {
  const blank = /** @type {HTMLTemplateElement} */ (table.querySelector("template"));
  const row = /** @type {HTMLElement} */ (blank.content.cloneNode(true));
  for (const one of row.querySelectorAll("*")) {
    for (const { name, value } of [...one.attributes]) one.setAttribute(name, value.replaceAll("{number}", String(number)));
  }
  table.querySelector("tbody")?.append(row);
  return /** @type {HTMLInputElement} */ (rows(table).at(-1)?.querySelector("input"));
}

/** Take a row away, and leave the keyboard where it was needed. @param {HTMLElement} table @param {HTMLElement} row */
function remove(table, row) {
  const next = /** @type {HTMLElement | null} */ (row.nextElementSibling ?? row.previousElementSibling);
  row.remove();
  const button = next?.querySelector("button") ?? table.querySelector("button[value^='add:']");
  /** @type {HTMLElement | null} */ (button)?.focus();
}

/** Show what a draft has brought, its folder opened. @param {HTMLElement} table @param {HTMLFormElement} form */
function restored(table, form) {
  const folder = table.closest("details");
  if (folder && [...table.querySelectorAll("input")].some((one) => one.value)) folder.open = true;
  tell(table, form);
}

/** Show the sum, and offer no more rows than are taken. @param {HTMLElement} table @param {HTMLFormElement} form */
function tell(table, form) {
  const more = /** @type {HTMLButtonElement} */ (table.querySelector("button[value^='add:']"));
  more.disabled = rows(table).length >= Number(table.dataset.most);
  const total = table.querySelector("[data-total]");
  if (!total) return;
  const fields = /** @type {NodeListOf<HTMLInputElement>} */ (table.querySelectorAll(`input[name^="${table.dataset.sum}-"]`));
  const sum = [...fields].reduce((whole, one) => whole + (hundredths(one.value.trim()) ?? 0), 0);
  const wanted = /** @type {HTMLInputElement} */ (form.elements.namedItem(table.dataset.of ?? "")).value.trim();
  total.textContent = t("page.rows_total", { sum: written(sum), of: wanted || "–" });
}

/** Have as many rows as a draft that is being restored. @param {HTMLElement} table @param {string[]} names of its fields */
function fit(table, names) {
  const prefix = `${table.dataset.rows}-`;
  const kept = names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(prefix.length)));
  for (const row of rows(table)) if (!kept.includes(Number(row.dataset.number))) row.remove();
  for (const number of kept) if (!numbers(table).includes(number)) add(table, number);
}
