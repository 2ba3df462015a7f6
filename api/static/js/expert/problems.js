/** What is wrong with what a script sends, shown as the server shows it: on top of the page, leading to the field. */

/**
 * @typedef {{field: string, words: string}} Problem `field` is the id of what it concerns, "" for the whole
 */

/**
 * Show problems in the page's `[data-problems]` block, or hide it when there are none.
 * @param {Problem[]} problems
 */
export function showProblems(problems) {
  const block = /** @type {HTMLElement} */ (document.querySelector("[data-problems]"));
  const list = /** @type {HTMLElement} */ (block.querySelector("ul"));
  list.replaceChildren(...problems.map(line));
  block.hidden = problems.length === 0;
  if (problems.length) block.focus();
}

/** @param {Problem} problem */
function line({ field, words }) {
  const item = document.createElement("li");
  if (!field) {
    item.textContent = words;
    return item;
  }
  const link = document.createElement("a");
  link.href = `#${field}`;
  link.textContent = words;
  item.append(link);
  return item;
}

/**
 * The words of a refusal, whatever it was.
 * @param {unknown} error
 * @param {(code: string, params?: Record<string, unknown>) => string} t
 */
export function wordsOf(error, t) {
  const told = /** @type {{code?: string, message?: string}} */ (error);
  if (told.code === "network") return t("page.offline");
  return told.message || told.code || String(error);
}
