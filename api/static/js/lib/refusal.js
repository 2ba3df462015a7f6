/**
 * The one error of the device-side library: a stable code with parameters, never a sentence (as kernel/errors.py).
 * The page finds the words under the code.
 */
export class Refusal extends Error {
  /**
   * @param {string} code such as `bid.bad_header`
   * @param {Record<string, unknown>} [params] what fills the places in the code's words
   */
  constructor(code, params = {}) {
    super(code);
    this.name = "Refusal";
    this.code = code;
    this.params = params;
  }
}

/** @param {unknown} error whatever was caught @returns {string} the code of a refusal, of anything else none */
export function codeOf(error) {
  return error instanceof Refusal ? error.code : "";
}

/**
 * Refuse with a code unless the condition holds.
 * @param {unknown} condition
 * @param {string} code
 * @param {Record<string, unknown>} [params]
 * @returns {asserts condition}
 */
export function require(condition, code, params) {
  if (!condition) throw new Refusal(code, params);
}
