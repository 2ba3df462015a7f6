/**
 * The platform's two public keys, pinned in this browser at their first use: the log's, and the time authority's
 * certificates. Another key later is an alarm, not a key: `page.pins_changed`.
 *
 * Where much depends on them a person compares them with what is published elsewhere before anything is done with them.
 */
import { within } from "./database.js";
import { Refusal, api } from "./http.js";
import { t } from "./words.js";

const STORE = "pins";
const KEYS = "platform";

/** @typedef {{vkey: string, chain: string}} Pins the log's verifier key, and certificates in PEM; both without a line feed at their ends */
/** @typedef {Pins & {compared: boolean}} Kept `compared` by a person */

/**
 * Return the pinned keys; at the first use those that the platform tells.
 * @param {(told: Pins) => Promise<void>} [compare] has a person compare them, once in this browser, before they are returned
 * @returns {Promise<Pins>}
 * @throws {Refusal} `page.pins_changed`
 */
export async function pins(compare) {
  const about = await api("GET", "/api/v1/installation");
  const told = { vkey: about.log_vkey.trim(), chain: about.tsa_chain.trim() };
  /** @type {Kept | undefined} */
  const known = await within(STORE, "readonly", (store) => store.get(KEYS));
  if (known && (known.vkey !== told.vkey || known.chain !== told.chain)) {
    throw new Refusal("page.pins_changed", t("page.pins_changed"), 0);
  }
  const asks = compare !== undefined && !known?.compared;
  if (asks) await compare(told);
  if (asks || !known) await within(STORE, "readwrite", (store) => store.put({ ...told, compared: asks }, KEYS));
  return told;
}
