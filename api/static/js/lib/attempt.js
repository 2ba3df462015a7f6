/** Work whose every failure stands for one refusal: libsodium, for one, says only that something failed. */
import { Refusal } from "./refusal.js";

/**
 * Return what the work returns; whatever it throws becomes the refusal of this code.
 * @template T
 * @param {string} code
 * @param {Record<string, unknown>} params
 * @param {() => T} work
 * @returns {T}
 */
export function attempt(code, params, work) {
  try {
    return work();
  } catch {
    throw new Refusal(code, params);
  }
}
