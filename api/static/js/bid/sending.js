/** The last step: a bid is sealed, sent and handed in, with progress against the deadline; it can be taken up again. */
import { serverNow, synchronize } from "../clock.js";
import { Refusal, api } from "../http.js";
import { t } from "../words.js";
import { size } from "../size.js";
import { call, stop } from "./device.js";
import * as drafts from "./drafts.js";
import { busy, byId, save, showRefusal, span, wordsOf } from "./page_parts.js";
import * as pending from "./pending.js";
import * as files from "./sealed_files.js";
import { Upload } from "./upload.js";

const MEASURED = 1; // seconds before which a speed says nothing

/** @typedef {import("./pending.js").Pending} Pending */
/** @typedef {Pick<Pending, "lot" | "uscc" | "user" | "title" | "deadline">} Place what is handed in, by whom, until when */

/**
 * Seal a bid; what comes of it is kept in this browser.
 * @param {Place} place
 * @param {object} asked what the device's `seal` takes, but for the file's name
 * @param {number} total plaintext bytes
 * @returns {Promise<Pending>}
 */
export function sealHere(place, asked, total) {
  return kept(place, (name, progress) => call("seal", [{ ...asked, name }], progress), total);
}

/**
 * Take a file that was sealed elsewhere.
 * @param {Place} place
 * @param {File} file
 * @returns {Promise<Pending>}
 */
export function adopt(place, file) {
  return kept(place, (name, progress) => call("adopt", [{ file, name }], progress), file.size);
}

/**
 * Have a sealed file made and keep its record; the device is closed.
 * @param {Place} place
 * @param {(name: string, progress: (bytes: number) => void) => Promise<import("./bidder_device.js").Sealed>} work
 * @param {number} total bytes
 * @returns {Promise<Pending>}
 */
async function kept(place, work, total) {
  const name = `${place.lot}-${Date.now()}.sealed`;
  await navigator.storage.persist?.();
  const meter = new Meter(byId("sealing"), byId("sealing-said"), total);
  const record = { ...(await work(name, (bytes) => meter.add(bytes))), ...place };
  meter.finish();
  const before = await pending.find(place.lot, place.uscc);
  const made = { ...record, file: name, sealedAt: Date.now(), upload: null };
  await pending.keep(made);
  stop(); // the Worker goes with all that was in its memory: what follows needs no key
  if (before) await files.remove(before.file);
  return made;
}

/**
 * Send a sealed bid and hand it in; leads to its receipt. What stops it is shown, and it can be taken up again.
 * @param {Pending} bid
 */
export async function send(bid) {
  const [again, keep] = [byId("work-again"), byId("work-save")];
  again.hidden = true;
  keep.hidden = false;
  keep.onclick = () => saveSealed(bid);
  Object.assign(byId("sealing"), { max: 1, value: 1 });
  try {
    await navigator.locks.request(`bid-${bid.digest}`, { ifAvailable: true }, (lock) => run(bid, lock !== null));
  } catch (error) {
    byId("standing").textContent = t("pages.bid.stopped", { why: wordsOf(error) });
    showRefusal(error);
    again.hidden = false;
    again.onclick = () => busy(again, () => send(bid));
  }
}

/** @param {Pending} bid @param {boolean} alone whether no other page sends it */
async function run(bid, alone) {
  if (!alone) throw refusal("pages.bid.other_tab");
  const file = await files.find(bid.file);
  if (file === null || file.size !== bid.size) throw refusal("seal.lost");
  await synchronize().catch(() => undefined);
  const leaving = new AbortController();
  addEventListener("pagehide", () => leaving.abort(), { once: true });
  const received = await new Upload(bid, file, (standing) => show(standing, bid), leaving.signal).run();
  await pending.forget(bid);
  await drafts.forget(bid);
  await files.remove(bid.file);
  location.assign(`/bid/bids/${received.id}?done=bid_received`);
}

/** @param {string} code */
function refusal(code) {
  return new Refusal(code, t(code), 0);
}

/** Save the sealed file where its owner wants it; it is the same as `ggzy seal` makes. @param {Pending} bid */
export async function saveSealed(bid) {
  const file = await files.find(bid.file);
  if (file) save(file, "bid.sealed");
}

/** @param {import("./upload.js").Standing} standing @param {Pending} bid */
function show({ sent, total, speed, pause }, bid) {
  Object.assign(byId("uploading"), { max: total, value: sent });
  const done = { sent: size(sent), total: size(total), percent: Math.floor((100 * sent) / total) };
  byId("uploading-said").textContent = pause || speed === 0
    ? t("pages.bid.sent_so_far", done)
    : t("pages.bid.sent", { ...done, speed: size(Math.round(speed)) });
  const standing = byId("standing");
  const told = pause ? t("pages.bid.pausing", { seconds: pause }) : t(sent < total ? "pages.bid.sending" : "pages.bid.handing_in");
  if (standing.textContent !== told) standing.textContent = told;
  byId("against").hidden = pause > 0;
  if (!pause && speed > 0) against((total - sent) / speed, (Date.parse(bid.deadline) - serverNow()) / 1000);
}

/** Whether what is left to send fits before the deadline at the present speed. @param {number} needed seconds @param {number} left seconds */
function against(needed, left) {
  const said = byId("against");
  const late = needed > left;
  said.hidden = false;
  said.classList.toggle("late", late);
  said.textContent = t(late ? "pages.bid.against_late" : "pages.bid.against", { needed: span(needed), left: span(Math.max(0, left)) });
}

/** A progress bar with speed and time left. */
class Meter {
  #begun = performance.now();
  #done = 0;

  /** @param {HTMLProgressElement} bar @param {HTMLElement} said @param {number} total bytes */
  constructor(bar, said, total) {
    this.bar = bar;
    this.said = said;
    this.total = total;
    Object.assign(bar, { max: total, value: 0 });
  }

  /** @param {number} bytes that are done since */
  add(bytes) {
    this.#done += bytes;
    this.bar.value = this.#done;
    const seconds = (performance.now() - this.#begun) / 1000;
    if (seconds < MEASURED) return;
    const speed = this.#done / seconds;
    const told = { done: size(this.#done), total: size(this.total), speed: size(Math.round(speed)) };
    this.said.textContent = t("pages.bid.sealed", { ...told, left: span((this.total - this.#done) / speed) });
  }

  finish() {
    this.bar.value = this.total;
    this.said.textContent = t("pages.bid.sealed_whole", { total: size(this.total) });
  }
}

/** @param {string} lot @returns {Promise<{target: Uint8Array, transcript: Uint8Array}>} what is sealed for, and who made its key */
export async function targetOf(lot) {
  const target = await bytes(`/api/v1/lots/${lot}/seal-target`);
  const key = await api("GET", `/api/v1/lots/${lot}/opening-key`);
  return { target, transcript: await bytes(`/api/v1/transcripts/${key.transcript}`) };
}

/** @param {string} path */
async function bytes(path) {
  const answer = await api("GET", path, undefined, { raw: true });
  return new Uint8Array(await answer.arrayBuffer());
}
