/**
 * Checks whatever was found, against pinned keys, and tells what happens as it happens: the browser's `ggzy verify`.
 *
 * Needs no page and no server: a Worker, a saved copy and node run the same.
 */

import { Refusal } from "../refusal.js";
import { ready } from "../sodium.js";
import { checkBid } from "./bid.js";
import * as bundles from "./bundle.js";
import * as draws from "./draw.js";
import { MAX_TRANSCRIPT, beside, find, folderOf } from "./find.js";
import * as logs from "./log.js";
import * as notes from "./note.js";
import * as bags from "./package.js";
import * as receipts from "./receipt.js";
import * as codes from "./receipt_code.js";
import { below, small } from "./source.js";
import { FILED, RECIPES, step } from "./steps.js";
import { checkTranscript } from "./transcript.js";

/** @typedef {import("./holding.js").Holding} Holding */

/**
 * What the verifier trusts beforehand: the log's key and the time authority's certificates; null: those that came
 * along.
 * @typedef {{vkey: string | null, chain: string | null}} Pins
 */

/**
 * What is told on the way. `own` names the keys that came with the artefact instead of having been pinned; `steps`
 * are the
 * recipe's in the order in which they are taken; `total` is in bytes, as `progress` is; `wrong` is the first thing
 * wrong, after which the next artefact is looked at; so is it after `lacking`: what is not at hand, so that nothing can
 * be said. `left` are steps of the recipe that are not taken for want of their files.
 * @typedef {object} Listener
 * @property {(artefact: {sort: string, path: string, own: string[], steps: [number, string][],
 *   left: [number, string][], total: number}) => void} began
 * @property {(held: import("./steps.js").Step) => void} held
 * @property {(step: [number, string]) => void} further a step beyond the recipe's that is taken because of what is at hand
 * @property {(bytes: number) => void} progress
 * @property {(refusal: Refusal) => void} wrong
 * @property {(refusal: Refusal) => void} lacking
 * @property {() => void} done
 */

/** What the person can still bring (api/verifier.py: a package says itself what belongs to it). */
const LACKING = ["receipt.missing", "bundle.missing_file", "verify.no_chain", "verify.no_vkey"];

/**
 * Find and check everything among the files, packages first, since the rest is held against them; refusals here only where nothing could be found at all.
 * @param {import("./source.js").Files} files
 * @param {Pins} pins
 * @param {Listener} listener
 */
export async function verify(files, pins, listener) {
  await ready();
  const found = await find(files);
  /** @type {Holding[]} */
  const packages = [];
  for (const artefact of [...found].sort((one, other) => Number(isPackage(other)) - Number(isPackage(one)))) {
    const vkey = pins.vkey ?? (await beside(artefact, ["vkey", "log/vkey"]));
    const chain = pins.chain ?? (await beside(artefact, ["chain.pem", "tsa/chain.pem"]));
    const own = [pins.vkey ? "" : "vkey", pins.chain ? "" : "chain"].filter(Boolean);
    const { sort, path } = artefact;
    const steps = stepsOf(artefact, vkey !== null);
    const left = RECIPES[sort].filter((one) => !steps.includes(one));
    listener.began({ sort, path, own, steps, left, total: totalOf(artefact) });
    try {
      await check(artefact, { vkey: vkey?.trim() ?? null, chain }, pins, packages, listener);
      listener.done();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!isPackage(artefact) && LACKING.includes(error.code)) listener.lacking(error);
      else listener.wrong(error);
    }
  }
}

/**
 * @param {import("./find.js").Artefact} artefact
 * @param {Pins} keys pinned, or what came along
 * @param {Pins} pins
 * @param {Holding[]} packages that held; one more is added
 * @param {Listener} listener
 * @returns {Promise<unknown>}
 */
async function check({ sort, files, place }, keys, pins, packages, listener) {
  const { held, progress } = listener;
  if (sort === "package") return packages.push(await bags.check(below(files, place), pins, held, progress));
  if (sort === "log") return logs.check(below(files, place), pins.vkey, held, progress);
  if (sort === "bundle") return bundles.check(below(files, folderOf(place)), pins, packages, listener);
  if (sort === "receipt") return checkReceipt(files, place, keys, packages, listener);
  const unreadable = new Refusal("verify.unreadable", { name: place });
  const data = await small(files, place, MAX_TRANSCRIPT, unreadable);
  progress(data.length);
  if (sort === "key") return held(checkTranscript(data));
  if (keys.vkey === null) throw new Refusal("verify.no_vkey");
  return draws.check(data, notes.parseKey(keys.vkey), held);
}

/**
 * @param {import("./source.js").Files} files
 * @param {string} place
 * @param {Pins} keys
 * @param {Holding[]} packages
 * @param {Listener} listener
 */
async function checkReceipt(files, place, keys, packages, { held, further, progress }) {
  if (keys.chain === null) throw new Refusal("verify.no_chain");
  const given = await (isCode(place) ? codes.scanned(/** @type {Blob} */ (files.get(place))) : receipts.readFiles(files, place));
  const key = keys.vkey === null ? null : notes.parseKey(keys.vkey);
  const receipt = await receipts.check(given, keys.chain, key, held);
  const { event } = receipt;
  const bid = files.get(sibling(place, "bid.sealed"));
  if (event.kind === "bid.received" && bid) held(step(6, "sealed", String(await checkBid(bid, event.data, progress))));
  for (const one of packages.filter(({ trade }) => trade === event.trade)) {
    further(FILED);
    held(one.checkReceipt(receipt)); // 8
  }
}

/** Whether a receipt is the text of its QR code. @param {string} place */
function isCode(place) {
  return place.endsWith(".txt");
}

/** @param {import("./find.js").Artefact} artefact */
function isPackage({ sort }) {
  return sort === "package";
}

/**
 * The steps that will be taken: a receipt's last two need its proof and its bid.
 * @param {import("./find.js").Artefact} artefact
 * @param {boolean} keyed
 */
function stepsOf({ sort, files, place }, keyed) {
  if (sort !== "receipt") return RECIPES[sort];
  /** @type {Record<string, boolean>} */
  const there = {
    inclusion: keyed && !isCode(place) && files.has(place.replace(/json$/, "proof")),
    sealed: files.has(sibling(place, "bid.sealed")),
  };
  return RECIPES.receipt.filter(([, name]) => there[name] ?? true);
}

/** @param {string} place @param {string} name */
function sibling(place, name) {
  return place.replace(/[^/]*$/, name);
}

/**
 * The bytes that checking an artefact will read, as far as progress is told.
 * @param {import("./find.js").Artefact} artefact
 */
function totalOf({ sort, files, place }) {
  const folder = { package: "data/", log: "tile/entries/" }[/** @type {string} */ (sort)];
  if (folder) {
    const read = [...below(files, place)].filter(([path]) => path.startsWith(folder));
    return read.reduce((sum, [, blob]) => sum + blob.size, 0);
  }
  const file = sibling(place, sort === "bundle" ? "entries.jsonl" : "bid.sealed");
  return files.get(sort === "draw" || sort === "key" ? place : file)?.size ?? 0;
}
