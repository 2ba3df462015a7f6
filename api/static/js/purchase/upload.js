/**
 * Forms with files (`data-upload`): each file (`data-file` around its fields) is hashed in a Worker and sent in parts
 * under its SHA-256 with its progress, and only then the form goes, naming the files by their digests. Where the network
 * breaks it is waited for; after a reload the same file goes on where it was.
 */
import { put, steadily } from "../carry.js";
import { api } from "../http.js";
import { size as sized } from "../size.js";
import { t } from "../words.js";

const PART = 8 << 20; // trading/file_parts.py
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

/** Send what the platform does not have of a file, and have it put together. @param {File} file @param {string} digest */
async function send(file, digest) {
  const words = t("pages.purchase.upload_sending", { name: file.name });
  const tell = (/** @type {number} */ seconds) => {
    stage.textContent = seconds ? t("pages.purchase.upload_pause", { name: file.name, seconds }) : words;
  };
  tell(0);
  const path = `/api/v1/files/${digest}`;
  const there = new Set(await steadily(() => api("GET", `${path}/parts`), tell));
  const parts = Math.ceil(file.size / PART);
  const began = performance.now();
  for (let number = 0, fresh = 0; number < parts; number += 1) {
    const data = file.slice(number * PART, (number + 1) * PART);
    const progress = (/** @type {number} */ loaded) => show(number * PART + loaded, file.size, began, fresh + loaded);
    if (!there.has(number)) {
      await steadily(() => put(`${path}/parts/${number}`, data, progress), tell);
      fresh += data.size;
    }
  }
  await steadily(() => api("POST", path, { parts }), tell);
}

/** @param {number} done @param {number} size @param {number} began @param {number} [fresh] bytes since then */
function show(done, size, began, fresh = done) {
  bar.value = size ? (100 * done) / size : 100;
  const seconds = Math.max((performance.now() - began) / 1000, 0.001);
  const left = Math.round((size - done) / (fresh / seconds || 1));
  const speed = sized(Math.round(fresh / seconds));
  told.textContent = t("pages.purchase.upload_told", { percent: Math.floor(bar.value), speed, left });
}
