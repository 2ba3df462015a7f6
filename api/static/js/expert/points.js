/** Points as people type them and as sheets carry them: decimal strings with at most two places. Pure, exact. */

const POINTS = /^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$/;

/**
 * The points in hundredths.
 * @param {string} text
 * @returns {number | null} null for anything a sheet may not carry
 */
export function hundredths(text) {
  if (!POINTS.test(text)) return null;
  const [whole, part = ""] = text.split(".");
  return Number(whole) * 100 + Number(part.padEnd(2, "0"));
}

/**
 * What is wrong with the points of an item.
 * @param {string} text
 * @param {string} maximum
 * @returns {"" | "empty" | "form" | "range"}
 */
export function fault(text, maximum) {
  if (text === "") return "empty";
  const points = hundredths(text);
  if (points === null) return "form";
  return points > (hundredths(maximum) ?? 0) ? "range" : "";
}

/** @param {number} sum in hundredths @returns {string} */
export function written(sum) {
  return `${Math.floor(sum / 100)}.${String(sum % 100).padStart(2, "0")}`;
}
