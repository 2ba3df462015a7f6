/** The steps of the numbered recipes, under the numbers and names that docs/spec and `ggzy verify` give them. */

/**
 * A step that held: its number in the recipe, its name (a key of the words), a figure to show.
 * @typedef {{number: number, name: string, detail: string}} Step
 */

/** What is held against packages at hand: told only where there is one of the same trade. @type {[number, string]} */
export const FILED = [8, "filed"];

/**
 * The recipes by what is checked: number and name of each step in the order in which they are taken.
 * @type {Record<string, [number, string][]>}
 */
export const RECIPES = {
  receipt: [[1, "form"], [2, "event"], [3, "digest"], [4, "token"], [5, "time"], [7, "inclusion"], [6, "sealed"]],
  package: numbered(
    ...["layout", "tags", "manifest", "digests", "index", "entries", "signature", "receipts", "transcripts", "sealed"],
  ),
  draw: numbered(
    ...["form", "checkpoints", "inclusion", "sequence", "roster", "commitments", "seed", "nonces", "draw", "calls"],
    ...["result", "names"],
  ),
  key: [[1, "transcript"]],
  log: [[1, "key"], [2, "checkpoint"], [3, "files"], [5, "tiles"], [6, "root"]],
  bundle: numbered("layout", "index", "digests", "checkpoint", "token", "entries", "signature"),
}; // prettier-ignore

/**
 * @param {number} number
 * @param {string} name
 * @param {string} [detail]
 * @returns {Step}
 */
export function step(number, name, detail = "") {
  return { number, name, detail };
}

/**
 * Return a step's figure, which says of play that it is play.
 * @param {string} detail
 * @param {boolean} sandbox
 */
export function marked(detail, sandbox) {
  return sandbox ? `${detail} · sandbox` : detail;
}

/**
 * @param {...string} names
 * @returns {[number, string][]}
 */
function numbered(...names) {
  return names.map((name, at) => [at + 1, name]);
}
