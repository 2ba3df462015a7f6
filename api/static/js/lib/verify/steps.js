/** The steps of the numbered recipes: what held, under the number and the name that docs/spec and `ggzy verify` give. */

/**
 * A step that held: its number in the recipe, its name (a key of the words), a figure to show.
 * @typedef {{number: number, name: string, detail: string}} Step
 */

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
