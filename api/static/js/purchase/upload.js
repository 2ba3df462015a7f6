/**
 * Forms with files (`data-upload`): each file (`data-file` around its fields) is hashed in a Worker and sent under its
 * SHA-256 with its progress, and only then the form goes, naming the files by their digests. A file that the store has is
 * sent again and changes nothing.
 */
import { csrf } from "../http.js";
import { size as sized } from "../size.js";
import { t } from "../words.js";

const script = /** @type {HTMLScriptElement} */ (document.querySelector("script[data-worker]"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-upload]"));
const place = /** @type {HTMLElement} */ (form.querySelector("[data-progress]"));
const bar = /** @type {HTMLProgressElement} */ (place.querySelector("progress"));
const stage = /** @type {HTMLElement} */ (place.querySelector("[data-stage]"));
const told = /** @type {HTMLElement} */ (place.querySelector("[data-told]"));
const wrong = /** @type {HTMLElement} */ (form.querySelector("[data-wrong]"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));

form.addEventListener("submit", async (event) => {
  const waiting = [...form.querySelectorAll("[data-file]")].filter((row) => fileOf(row));
  if (!waiting.length) return;
  event.preventDefault();
  button.disabled = true;
  wrong.hidden = true;
  place.hidden = false;
  try {
    for (const row of waiting) await bring(row);
    form.submit();
  } catch (error) {
    wrong.textContent = /** @type {Error} */ (error).message;
    wrong.hidden = false;
    place.hidden = true;
    button.disabled = false;
  }
});

/** @param {Element} row @returns {File | undefined} */
function fileOf(row) {
  return /** @type {HTMLInputElement} */ (row.querySelector("input[type=file]")).files?.[0];
}

/** Hash and send the file of a row, then let the row name it by its digest. @param {Element} row */
async function bring(row) {
  const file = /** @type {File} */ (fileOf(row));
  const digest = await hash(file);
  await send(file, digest);
  for (const [name, value] of Object.entries({ sha256: digest, media_type: file.type, name: file.name })) {
    /** @type {HTMLInputElement} */ (row.querySelector(`[data-name=${name}]`)).value = value;
  }
  /** @type {HTMLInputElement} */ (row.querySelector("input[type=file]")).value = "";
}

/** @param {File} file @returns {Promise<string>} its SHA-256, hex */
function hash(file) {
  const began = performance.now();
  stage.textContent = t("pages.purchase.upload_hashing", { name: file.name });
  const worker = new Worker(script.dataset.worker ?? "", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if (data.sha256) resolve(data.sha256);
      else if (data.failed) reject(new Error(t("pages.purchase.upload_unreadable")));
      else show(data.done, data.size, began);
    };
    worker.onerror = () => reject(new Error(t("pages.purchase.upload_unreadable")));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}

/** @param {File} file @param {string} digest @returns {Promise<void>} */
function send(file, digest) {
  const began = performance.now();
  stage.textContent = t("pages.purchase.upload_sending", { name: file.name });
  const request = new XMLHttpRequest(); // fetch tells no progress of what is sent
  return new Promise((resolve, reject) => {
    request.open("PUT", `/api/v1/files/${digest}`);
    request.setRequestHeader("X-CSRF-Token", csrf());
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => show(event.loaded, event.total, began);
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(detail(request))));
    request.onerror = () => reject(new Error(t("pages.purchase.upload_cut")));
    request.send(file);
  });
}

/** @param {XMLHttpRequest} request @returns {string} why the server refused */
function detail(request) {
  try {
    return JSON.parse(request.responseText).detail;
  } catch {
    return t("pages.purchase.upload_cut");
  }
}

/** @param {number} done @param {number} size @param {number} began */
function show(done, size, began) {
  bar.value = size ? (100 * done) / size : 100;
  const seconds = Math.max((performance.now() - began) / 1000, 0.001);
  const left = Math.round((size - done) / (done / seconds || 1));
  const speed = sized(Math.round(done / seconds));
  told.textContent = t("pages.purchase.upload_told", { percent: Math.floor(bar.value), speed, left });
}
