/** Words of a page's scripts: the JSON that the server put into elements of class "words" or id "words". */

/** @type {Record<string, string>} */
const known = Object.assign(
  {},
  ...[...document.querySelectorAll('script[type="application/json"].words, #words')].map((one) => JSON.parse(one.textContent ?? "{}")),
);

/**
 * Return the words of a code with its params filled in; the code itself when it has none.
 * @param {string} code
 * @param {Record<string, unknown>} [params]
 * @returns {string}
 */
export function t(code, params = {}) {
  return (known[code] ?? code).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}
