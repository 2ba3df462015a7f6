/** The page /verify, and its saved copy: files are chosen or dropped, checked on this device, reported step by step. */

import { t } from "../words.js";
import { ofDrop, ofInput } from "./chosen.js";
import { run, startWorker } from "./engine.js";
import { pinsOf } from "./pins.js";
import { Report } from "./report.js";

const form = /** @type {HTMLFormElement} */ (document.getElementById("verify"));
const place = /** @type {HTMLElement} */ (document.getElementById("report"));
const status = /** @type {HTMLElement} */ (document.getElementById("status"));
const drop = /** @type {HTMLElement} */ (document.getElementById("drop"));
const code = /** @type {HTMLTextAreaElement} */ (document.getElementById("code"));
const inputs = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll('input[type="file"][data-check]')]);
/** What stops the check that is going on, or makes nobody listen to it. */
let stop = () => {};

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
for (const input of inputs) {
  input.addEventListener("change", () => {
    check([...ofInput(input), ...scanned()]);
    input.value = ""; // so that choosing the same file again is a change again
  });
}
document.getElementById("code-check")?.addEventListener("click", () => check(scanned()));
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => event.relatedTarget === null && drop.classList.remove("over"));
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer) check([...(await ofDrop(event.dataTransfer)), ...scanned()]);
});

/** The text of a QR code that was pasted, as the file that it could be. @returns {import("./chosen.js").Chosen} */
function scanned() {
  const text = code.value.trimStart();
  return text ? [["receipt.txt", new File([text], "receipt.txt")]] : [];
}

/** Check files; what was being checked before is given up. @param {import("./chosen.js").Chosen} files */
async function check(files) {
  if (!files.length) return;
  stop();
  status.textContent = t("pages.verify.working", { count: files.length });
  const pins = await pinsOf(form);
  const report = new Report(place);
  const started = performance.now();
  let listening = true;
  const hear = (/** @type {string} */ kind, /** @type {any} */ value) => {
    if (!listening) return;
    if (kind === "stopped") status.textContent = t(value.code, value.params);
    else if (kind === "ended") end(report, started);
    else /** @type {any} */ (report)[kind](value);
  };
  const address = form.dataset.worker;
  const terminate = address ? startWorker(address, files, pins, hear) : void run(files, pins, hear);
  stop = () => {
    listening = false;
    terminate?.();
  };
  place.scrollIntoView({ block: "nearest" });
}

/** @param {Report} report @param {number} started */
function end(report, started) {
  const { sound, wrong, lacking } = report.counts;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const words = wrong ? "ended_wrong" : lacking ? "ended_lacking" : "ended_sound";
  if (sound + wrong + lacking) status.textContent = t(`pages.verify.${words}`, { sound, wrong, lacking, seconds });
  status.focus();
}
