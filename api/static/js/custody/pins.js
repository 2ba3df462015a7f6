/**
 * The platform's two public keys, pinned at their first use: the log's, and the time authority's certificates.
 *
 * At the first use the custodian compares fingerprints with those published elsewhere. If a key ever differs from the
 * pinned one, nothing is done with it: `custody.pins_changed`.
 */
import { api, Refusal } from "../http.js";
import { pin, pinned } from "../keystore.js";
import { t } from "../words.js";
import { hide, onSend, part, show } from "./stage.js";

/**
 * Return the pinned keys; asks the custodian first where none are pinned yet.
 * @returns {Promise<{vkey: string, chain: string}>}
 */
export async function pins() {
  const about = await api("GET", "/api/v1/installation");
  const told = { vkey: about.log_vkey.trim(), chain: about.tsa_chain.trim() };
  const known = { vkey: await pinned("log-vkey"), chain: await pinned("tsa-chain") };
  if (known.vkey !== null && known.chain !== null) {
    const same = known.vkey === told.vkey && known.chain === told.chain;
    if (!same) throw new Refusal("custody.pins_changed", t("custody.pins_changed"), 0);
    return told;
  }
  await confirm(told);
  await pin("log-vkey", told.vkey);
  await pin("tsa-chain", told.chain);
  return told;
}

/** Show both fingerprints and wait until they were compared. */
async function confirm(/** @type {{vkey: string, chain: string}} */ { vkey, chain }) {
  part("pin-log").textContent = vkey;
  part("pin-chain").textContent = await fingerprint(chain);
  show("pins");
  await new Promise((resolve) => onSend("pins", async () => resolve(undefined)));
  hide("pins");
}

/** @param {string} text @returns {Promise<string>} SHA-256 of the text with one line feed at its end, as files have it */
async function fingerprint(text) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${text}\n`)));
  const digits = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return (digits.match(/.{8}/g) ?? []).join(" ");
}
