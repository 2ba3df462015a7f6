/**
 * The page of the device key: made here, saved, its backup proven, then enrolled. Used by every role that signs.
 *
 * A key is enrolled by who has just shown who they are; that is asked before one is made. Should the time run out
 * meanwhile, it is shown in another tab, and nothing of this page is lost.
 */
import { Refusal, api } from "../http.js";
import { forget, keep, kept } from "../keystore.js";
import { unshared } from "../lib/bytes.js";
import { t } from "../words.js";
import { call } from "./device.js";
import { bytesOf } from "./key_field.js";
import { byId, onSubmit, save, showProblems, showRefusal } from "./page_parts.js";
import { adviceOn } from "./passphrase.js";

const CONFIRM = "/account/confirm?next=/bid/device";
const LEAST = 10; // characters; argon2id makes each guess dear, a short passphrase remains a short one
const making = byId("making");
/** @type {{file: Uint8Array, deviceKey: string} | null} */
let made = null;

/** @param {number} number */
function part(number) {
  return making.querySelector(`[data-part="${number}"]`);
}

/** @param {number} number */
function go(number) {
  for (const one of making.querySelectorAll("[data-part]")) one.hidden = one.dataset.part !== String(number);
  for (const one of making.querySelectorAll("[data-way]")) {
    if (one.dataset.way === String(number)) one.setAttribute("aria-current", "step");
    else one.removeAttribute("aria-current");
    one.toggleAttribute("data-done", Number(one.dataset.way) < number);
  }
  showProblems([]);
  part(number).querySelector("h3")?.focus();
}

async function make() {
  const [passphrase, again] = [byId("new-passphrase"), byId("new-again")];
  if ([...passphrase.value].length < LEAST) {
    return showProblems([{ text: t("pages.bid.passphrase_short", { least: LEAST }), field: passphrase.id }]);
  }
  if (passphrase.value !== again.value) return showProblems([{ text: t("pages.bid.passphrases_differ"), field: again.id }]);
  try {
    await challenged();
  } catch (error) {
    return proofNeeded(error) ? location.assign(CONFIRM) : showRefusal(error);
  }
  /** @type {{file: Uint8Array<ArrayBuffer>, deviceKey: string}} */
  const { file, deviceKey } = await call("create", [passphrase.value]);
  made = { file, deviceKey };
  for (const field of [passphrase, again]) field.value = "";
  const content = new Blob([file], { type: "application/json" });
  const name = `ggzy-${deviceKey.slice(0, 8)}.key`;
  Object.assign(byId("download"), { href: URL.createObjectURL(content), download: name });
  go(2);
}

async function prove() {
  const [chosen, passphrase] = [byId("backup-file"), byId("backup-passphrase")];
  const file = await bytesOf(chosen.files[0]);
  if (file === null) return showProblems([{ text: t("pages.bid.backup_missing"), field: chosen.id }]);
  try {
    await call("prove", [file, passphrase.value]);
  } catch (error) {
    return showRefusal(error, passphrase.id);
  }
  passphrase.value = "";
  part(3).querySelector("[data-new-key]").textContent = made?.deviceKey ?? "";
  go(3);
}

async function enrol() {
  if (made === null) return;
  try {
    await followSession();
    const answer = await call("enrol", [making.dataset.user, await challenged()]);
    if (byId("keep-here").checked) await keep(made.deviceKey, made.file);
    await api("PUT", "/api/v1/me/device", answer);
    location.assign("/bid/device?done=device_enrolled");
  } catch (error) {
    byId("confirm-aside").hidden = !proofNeeded(error);
    showRefusal(error);
  }
}

/** @returns {Promise<string>} a challenge (hex), which is given to who has just shown who they are */
async function challenged() {
  return (await api("POST", "/api/v1/me/device/challenge")).challenge;
}

/** @param {unknown} error @returns {boolean} whether the server asks who one is first */
function proofNeeded(error) {
  return error instanceof Refusal && error.code === "accounts.proof_needed";
}

/** Take up the session that showing who one is in another tab has put in the place of this page's. */
async function followSession() {
  const { csrf } = await api("GET", "/api/v1/me");
  /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="csrf"]')).content = csrf;
}

/** Keep the enrolled key's file in this browser as well, after it was opened. @param {string} enrolled */
async function keepHere(enrolled) {
  const [chosen, passphrase] = [byId("keep-file"), byId("keep-passphrase")];
  const file = await bytesOf(chosen.files[0]);
  if (file === null) return showProblems([{ text: t("pages.bid.key_missing"), field: chosen.id }]);
  try {
    const { deviceKey } = await call("unlock", [file, passphrase.value]);
    if (deviceKey !== enrolled) return showProblems([{ text: t("pages.bid.key_is_other"), field: chosen.id }]);
  } catch (error) {
    return showRefusal(error, passphrase.id);
  }
  passphrase.value = "";
  await keep(enrolled, file);
  showProblems([]);
  await showKept(enrolled);
}

/** @param {string} enrolled */
async function showKept(enrolled) {
  const file = await kept(enrolled).catch(() => null);
  const box = byId("kept");
  const [take, drop] = [box.querySelector("[data-kept-save]"), box.querySelector("[data-kept-drop]")];
  box.querySelector("[data-kept-said]").textContent = t(file ? "pages.bid.kept_here" : "pages.bid.kept_not");
  take.hidden = drop.hidden = file === null;
  byId("keep").hidden = file !== null;
  take.onclick = () => file && save(new Blob([unshared(file)]), `ggzy-${enrolled.slice(0, 8)}.key`);
  drop.onclick = () => forget(enrolled).then(() => showKept(enrolled));
}

if (making) {
  onSubmit(part(1), make);
  onSubmit(part(2), prove);
  onSubmit(part(3), enrol);
  byId("new-passphrase").addEventListener("input", () => {
    byId("strength").textContent = t(adviceOn(byId("new-passphrase").value, LEAST));
  });
}
if (byId("kept")) {
  const enrolled = byId("kept").dataset.key;
  showKept(enrolled);
  onSubmit(byId("keep"), () => keepHere(enrolled));
}
