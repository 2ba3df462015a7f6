/**
 * What in a bid may lead those who judge it to reject it: told to its writer, refused by nobody. A bid goes as its
 * bidder wills; nothing goes in silence.
 */
import { readPrice } from "../lib/form.js";
import { t } from "../words.js";
import { byId, showProblems } from "./page_parts.js";

/**
 * @param {{kind: string, price: string | null, files: number, ceiling: string}} envelope the price with two places, the
 *   ceiling as the page shows it or "" where there is none
 * @returns {string[]} in words
 */
export function concernsOf({ kind, price, files, ceiling }) {
  const found = [];
  if (kind !== "price" && files === 0) found.push(t("pages.bid.concern_empty", { kind: t(`pages.bid.kind.${kind}`) }));
  if (price && ceiling && fen(price) > fen(readPrice(ceiling))) found.push(t("pages.bid.concern_ceiling", { ceiling }));
  return found;
}

/** @param {string} said @returns {HTMLElement} a concern as a warning */
export function warning(said) {
  const made = document.createElement("p");
  [made.className, made.textContent] = ["warning", said];
  return made;
}

/** Ask for the box beside the last button where there are concerns. @param {string[]} concerns */
export function askFor(concerns) {
  byId("aware").checked = false;
  byId("aware-field").hidden = concerns.length === 0;
}

/** @returns {boolean} whether the box is ticked or not asked for; what is missing is shown */
export function isAware() {
  if (byId("aware-field").hidden || byId("aware").checked) return true;
  showProblems([{ text: t("pages.bid.aware_missing"), field: "aware" }]);
  return false;
}

/** @param {string} price with two places @returns {bigint} */
function fen(price) {
  return BigInt(price.replace(".", ""));
}
