/** Checks a receipt in the browser by the recipe of docs/spec/receipt.md; keys are pinned at their first use. */
import { api } from "../http.js";
import { codeOf } from "../lib/refusal.js";
import { ready } from "../lib/sodium.js";
import { parseKey } from "../lib/verify/note.js";
import { check } from "../lib/verify/receipt.js";
import { pins } from "../pins.js";
import { t } from "../words.js";
import { byId, tag, wordsOf } from "./page_parts.js";

const TRIES = 40;
const PAUSE = 250; // milliseconds; an entry is sequenced within about as much
const list = byId("receipt-check");
const url = list.dataset.receipt;

/** @param {string} state @param {string} said */
function show(state, said) {
  const line = document.createElement("li");
  line.append(tag(state, said));
  list.append(line);
}

/** @param {string} path */
async function bytes(path) {
  return new Uint8Array(await (await api("GET", path, undefined, { raw: true })).arrayBuffer());
}

async function proof() {
  for (let left = TRIES; left > 0; left -= 1) {
    try {
      return await bytes(`${url}.proof`);
    } catch (error) {
      if (codeOf(error) !== "trail.not_sequenced") throw error;
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }
  return null;
}

async function run() {
  await ready();
  const { vkey, chain } = await pins();
  const [content, digest, token] = await Promise.all(["json", "digest", "tsr"].map((suffix) => bytes(`${url}.${suffix}`)));
  const files = { content, digest, token, proof: await proof() };
  list.replaceChildren();
  await check(files, chain, parseKey(vkey), ({ number, name }) => {
    if (number === 7) show("off", t("pages.bid.step.sealed")); // the bid itself is not on this page
    show("good", t(`pages.bid.step.${name}`, { number }));
  });
  if (files.proof === null) show("wait", t("pages.bid.no_proof_yet"));
}

run().catch((error) => show("bad", wordsOf(error)));
