/**
 * Giving shares for an opening: the device checks the request step by step before the custodian's eyes; one button gives.
 */
import { api } from "../http.js";
import { civil } from "../clock.js";
import { codeOf } from "../lib/refusal.js";
import { t } from "../words.js";
import { pins } from "./pins.js";
import { call, close, onStep } from "./remote.js";
import { doing, hide, offer, onSend, part, pause, refresh, show } from "./stage.js";
import { unlock } from "./unlock.js";

const PAUSE = 1500; // milliseconds until the log is asked again whether it holds every bid
const TRIES = 40;
const { lot, stage } = part("work").dataset;
const path = `/api/v1/lots/${lot}/openings/${stage}`;

await unlock(async () => {
  const pinned = await pins();
  doing("fetching");
  const stamped = await request();
  const transcript = await text(`/api/v1/transcripts/${JSON.parse(stamped).request.transcript}`);
  show("checks");
  doing("checking_request");
  const seen = await examine({ stamped, transcript, lot, stage: Number(stage), ...pinned });
  doing();
  tell(seen);
  show("give");
});

onSend("give", async () => {
  doing("giving");
  const { message, given, refused } = await call("answer");
  await api("POST", `${path}/shares`, { answer: message });
  doing();
  offer(await call("backup"));
  close();
  hide("unlocked");
  part("given").textContent = t("pages.custody.js.given", { given, refused: refused.length });
  for (const one of refused) {
    const item = document.createElement("li");
    item.textContent = t(one.refused) + t("page.aside", { text: one.header.slice(0, 16) });
    part("refused").append(item);
  }
  hide("give");
  show("finished");
  refresh();
});

/** Let the device check, and tick its steps off; the one that fails is marked. */
async function examine(/** @type {object} */ asked) {
  let last = 0;
  onStep((step) => {
    last = step;
    mark(step, "passed");
  });
  try {
    return await call("examine", asked);
  } catch (error) {
    mark(last + 1, "failed");
    throw error;
  }
}

function mark(/** @type {number} */ step, /** @type {string} */ outcome) {
  const item = document.querySelector(`.checks [data-step="${step}"]`);
  for (const state of ["waiting", "passed", "failed"]) {
    const tag = /** @type {HTMLElement | null | undefined} */ (item?.querySelector(`.${state}`));
    if (tag) tag.hidden = state !== outcome;
  }
}

function tell(/** @type {any} */ seen) {
  part("told-deadline").textContent = civil(Date.parse(seen.deadline));
  part("told-stamped").textContent = civil(Date.parse(seen.stampedAt));
  const kinds = seen.kinds.map((/** @type {string} */ kind) => t(`pages.custody.js.kind.${kind}`));
  part("told-kinds").textContent = kinds.join(t("pages.custody.js.and"));
  for (const bid of seen.bids) {
    const row = part("bid").content.cloneNode(true);
    const cells = row.querySelectorAll("th, td");
    const told = [named(bid.bidder), civil(Date.parse(bid.at)), bid.index, bid.envelopes];
    told.forEach((value, at) => (cells[at].textContent = value));
    part("bids").append(row);
  }
}

/** Name a bidder that the device read out of the log; the name beside the code is the platform's word. */
function named(/** @type {string} */ code) {
  const known = [...part("bidders").children].find((one) => one.dataset.code === code);
  return known ? `${known.textContent} ${code}` : code;
}

/** Fetch the stamped request; the log may need a moment until it holds every bid. */
async function request() {
  for (let tried = 1; ; tried += 1) {
    try {
      return await text(`${path}/request`);
    } catch (error) {
      if (codeOf(error) !== "trail.not_sequenced" || tried === TRIES) throw error;
      await pause(PAUSE);
    }
  }
}

async function text(/** @type {string} */ address) {
  return (await api("GET", address, undefined, { raw: true })).text();
}
