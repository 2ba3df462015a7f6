/** Which keys are trusted: this installation's, the visitor's own, or those that come with the files. */

/**
 * Return the pins that the form says.
 * @param {HTMLFormElement} form
 * @returns {Promise<import("../lib/verify/verifier.js").Pins>}
 */
export async function pinsOf(form) {
  const given = new FormData(form);
  const own = JSON.parse(document.getElementById("pins")?.textContent ?? "{}");
  const kind = given.get("pins");
  if (kind === "site") return own;
  if (kind === "none") return { vkey: null, chain: null };
  return { vkey: await text(given, "vkey"), chain: await text(given, "chain") };
}

/** @param {FormData} given @param {string} name @returns {Promise<string | null>} */
async function text(given, name) {
  const file = given.get(`${name}-file`);
  const typed = String(given.get(name) ?? "").trim();
  if (typed) return typed;
  return file instanceof File && file.size ? (await file.text()).trim() : null;
}
