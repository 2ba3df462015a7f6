/**
 * Passkeys (WebAuthn): a form with `data-passkey` asks the server for options at `data-ask`, has the browser make or use
 * a passkey, puts the answer as JSON into its field `credential` and is sent as any form is; a button `data-plain` sends
 * it without a passkey.
 */

import { Refusal, api } from "../http.js";
import { t } from "../words.js";

/** @param {ArrayBuffer} buffer @returns {string} base64url without padding */
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

/** @param {string} base64url @returns {Uint8Array} */
const bytes = (base64url) =>
  Uint8Array.from(atob(base64url.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/** @param {{id: string, type: string}[]} [listed] */
const named = (listed = []) => listed.map((one) => ({ ...one, id: bytes(one.id) }));

/** @param {any} options what the server gave @returns {Promise<Record<string, unknown>>} the answer in its JSON form */
async function create(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: named(options.excludeCredentials),
  };
  const made = /** @type {any} */ (await navigator.credentials.create({ publicKey }));
  return answer(made, { attestationObject: text(made.response.attestationObject) });
}

/** @param {any} options what the server gave @returns {Promise<Record<string, unknown>>} the answer in its JSON form */
async function get(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: named(options.allowCredentials),
  };
  const shown = /** @type {any} */ (await navigator.credentials.get({ publicKey }));
  const { authenticatorData, signature } = shown.response;
  return answer(shown, { authenticatorData: text(authenticatorData), signature: text(signature) });
}

/** @param {any} credential @param {Record<string, string>} response */
const answer = (credential, response) => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  response: { clientDataJSON: text(credential.response.clientDataJSON), ...response },
  clientExtensionResults: {},
});

/** @param {SubmitEvent} event */
async function submit(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
  if (event.submitter?.hasAttribute("data-plain")) return;
  event.preventDefault();
  if (!form.reportValidity()) return;
  const said = /** @type {HTMLElement} */ (form.querySelector("[data-said]"));
  said.hidden = true;
  try {
    const options = await api("POST", form.dataset.ask ?? "");
    field.value = JSON.stringify(await (form.dataset.passkey === "create" ? create(options) : get(options)));
    form.submit();
  } catch (error) {
    said.textContent = error instanceof Refusal ? error.message : t("accounts.passkey_failed");
    said.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  for (const hidden of document.querySelectorAll("[data-script]")) /** @type {HTMLElement} */ (hidden).hidden = false;
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-passkey]")))
    form.addEventListener("submit", submit);
}
