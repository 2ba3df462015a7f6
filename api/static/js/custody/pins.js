/** The platform's public keys on a custodian's page: the person compares their fingerprints at the first use. */
import * as platform from "../pins.js";
import { hide, onSend, part, show } from "./stage.js";

/**
 * Return the pinned keys; asks the custodian to compare them first, where nobody did in this browser.
 * @returns {Promise<platform.Pins>}
 */
export function pins() {
  return platform.pins(confirm);
}

/** Show both fingerprints and wait until they were compared. @param {platform.Pins} told */
async function confirm({ vkey, chain }) {
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
