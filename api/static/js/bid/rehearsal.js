/** The rehearsal: is this browser fit for a bid? Each check is told as it comes out; the result is kept here. */
import { civil, serverNow, synchronize } from "../clock.js";
import { api } from "../http.js";
import { t } from "../words.js";
import { size } from "../size.js";
import { call } from "./device.js";
import { busy, byId, span, tag, wordsOf } from "./page_parts.js";
import { RESULT } from "./rehearsed.js";
import * as files from "./sealed_files.js";

const DRILL = 32 << 20;
const PROBE = 1 << 20;
const PROBE_SECONDS = 4;
const ENOUGH_ROOM = 4e9;
const TYPICAL = 500e6;
const SLOW = 64 << 10; // bytes a second
const SKEW = 60; // seconds by which this machine's clock may be off without a word

/** @typedef {() => Promise<[string, string]>} Check the state that came out, and what is said of it */

/** @type {Record<string, Check>} */
const CHECKS = {
  crypto: async () => {
    await crypto.subtle.digest("SHA-256", new Uint8Array(1));
    return ["good", t("pages.bid.check_works")];
  },
  wasm: async () => {
    await call("create", ["rehearsal"]);
    return ["good", t("pages.bid.check_works")];
  },
  storage: async () => {
    if (!files.supported()) return ["bad", t("seal.no_storage")];
    return (await navigator.storage.persist()) ? ["good", t("pages.bid.check_works")] : ["good", t("pages.bid.check_may_clear")];
  },
  room: async () => {
    const room = await files.room();
    return [room < ENOUGH_ROOM ? "wait" : "good", t("pages.bid.check_room", { room: size(room) })];
  },
  clock: async () => {
    const off = Math.round(Math.abs(await synchronize()) / 1000);
    if (off <= SKEW) return ["good", t("pages.bid.check_clock", { off: span(off) })];
    if ("sandbox" in byId("checks").dataset) return ["good", t("pages.bid.check_clock_moved", { off: span(off) })];
    return ["wait", t("pages.bid.check_clock_off", { off: span(off) })];
  },
  speed: async () => {
    const speed = await probe();
    const told = { speed: size(Math.round(speed)), long: span(TYPICAL / speed), size: size(TYPICAL) };
    return [speed < SLOW ? "wait" : "good", t("pages.bid.check_speed", told)];
  },
};

/** @returns {Promise<number>} bytes a second, by throw-away bytes */
async function probe() {
  const noise = crypto.getRandomValues(new Uint8Array(1 << 16));
  const body = new Blob(Array(PROBE / noise.length).fill(noise));
  const begun = performance.now();
  let sent = 0;
  while (performance.now() - begun < PROBE_SECONDS * 1000) {
    await api("POST", "/bid/rehearsal/probe", body);
    sent += body.size;
  }
  return (sent * 1000) / (performance.now() - begun);
}

/** @param {string} name @param {string} state @param {string} said @returns {boolean} whether it is not bad */
function show(name, state, said) {
  const row = /** @type {HTMLElement} */ (document.querySelector(`[data-check="${name}"]`));
  row.querySelector("[data-tag]")?.replaceChildren(tag(state, t(`pages.bid.check_${state}`)));
  /** @type {HTMLElement} */ (row.querySelector("[data-said]")).textContent = said;
  return state !== "bad";
}

/** @param {string} name @param {Check} work */
async function attempt(name, work) {
  show(name, "plain", t("pages.bid.check_runs"));
  try {
    return show(name, ...(await work()));
  } catch (error) {
    return show(name, "bad", wordsOf(error));
  }
}

/** Seal and open a practice bid, both told with their speed. */
async function drill() {
  const bar = byId("drill");
  Object.assign(bar, { hidden: false, max: 2 * DRILL, value: 0 });
  show("seal", "plain", t("pages.bid.check_runs"));
  try {
    const { sealSeconds, openSeconds } = await call("rehearse", [DRILL], (bytes) => (bar.value += bytes));
    const speed = (/** @type {number} */ seconds) => Math.round(DRILL / seconds / 1e6);
    show("seal", "good", t("pages.bid.check_sealed", { speed: speed(sealSeconds), size: size(DRILL) }));
    show("open", "good", t("pages.bid.check_opened", { speed: speed(openSeconds) }));
    return speed(sealSeconds);
  } catch (error) {
    show("seal", "bad", wordsOf(error));
    show("open", "off", "");
    return 0;
  } finally {
    bar.hidden = true;
  }
}

async function run() {
  let good = true;
  for (const [name, work] of Object.entries(CHECKS)) good = (await attempt(name, work)) && good;
  const speed = await drill();
  good = good && speed > 0;
  localStorage.setItem(RESULT, JSON.stringify({ at: serverNow(), good, speed }));
  byId("verdict").replaceChildren(tag(good ? "good" : "bad", t(good ? "pages.bid.fit" : "pages.bid.unfit")));
  showLast();
}

function showLast() {
  const last = JSON.parse(localStorage.getItem(RESULT) ?? "null");
  if (last === null) return;
  byId("last").hidden = false;
  byId("last").textContent = t(last.good ? "pages.bid.last_good" : "pages.bid.last_bad", { at: civil(last.at), speed: last.speed });
}

showLast();
byId("begin").addEventListener("click", () => busy(byId("begin"), run));
