/** Fields of a 统一社会信用代码 (`data-uscc="<id of a status line>"`): what is wrong is told while it is typed. */
import { LENGTH, wrong } from "../lib/uscc.js";
import { t } from "../words.js";

for (const field of document.querySelectorAll("input[data-uscc]")) watch(/** @type {HTMLInputElement} */ (field));

/** @param {HTMLInputElement} field */
function watch(field) {
  const line = /** @type {HTMLElement} */ (document.getElementById(field.dataset.uscc ?? ""));
  field.addEventListener("input", () => {
    const start = field.selectionStart;
    field.value = field.value.toUpperCase();
    field.setSelectionRange(start, start);
    line.textContent = words(field.value.trim());
  });
  field.addEventListener("blur", () => (field.value = field.value.trim()));
}

/** @param {string} code @returns {string} */
function words(code) {
  if (!code) return "";
  const told = wrong(code);
  if (!told) return t("pages.party.uscc_right");
  const typing = told.wrong === "length" && code.length < LENGTH;
  const misplaced = told.wrong === "length" && told.place < code.length;
  if (misplaced) return t("party.bad_uscc_character", told);
  return typing ? t("pages.party.uscc_typing", { length: code.length, left: LENGTH - code.length }) : t(`party.bad_uscc_${told.wrong}`, told);
}
