/** A draw on the page of one of its parties or of a custodian: commit, reveal, help to open a withheld nonce. */
import { api } from "../http.js";
import { pins } from "./pins.js";
import { call, close } from "./remote.js";
import { doing, hide, offer, onSend, part, refresh, show } from "./stage.js";
import { unlock } from "./unlock.js";

const { draw, lot } = part("work").dataset;
const path = `/api/v1/draws/${draw}`;
const forms = [...document.querySelectorAll("form.step")].map((form) => form.id);

await unlock(async () => show(...forms));

onSend("commit", async (form) => {
  doing("committing");
  const told = await api("GET", path);
  const role = String(new FormData(form).get("role"));
  const message = await call("commit", told, await transcript(), role);
  await done("commitments", { message });
});

onSend("reveal", async () => {
  doing("revealing");
  await done("reveals", { message: await call("reveal", await api("GET", path)) });
});

onSend("recover", async () => {
  const { chain } = await pins();
  doing("recovering");
  const sealed = await api("GET", `${path}/sealed`);
  const answers = await call("recover", draw, sealed, await transcript(), await trustedTime(), chain);
  for (const one of answers) await api("POST", `${path}/shares`, one);
  finish("recovered", { count: answers.length });
});

/** Send a message, then offer the key file that now remembers nonce or seed. */
async function done(/** @type {string} */ where, /** @type {object} */ body) {
  await api("POST", `${path}/${where}`, body);
  finish(where);
}

async function finish(/** @type {string} */ what, /** @type {Record<string, unknown>} */ params = {}) {
  offer(await call("backup"));
  close();
  hide("unlocked");
  hide(...forms);
  show("backup");
  doing(what, params);
  refresh();
}

/** The transcript of the lot's key; the device checks that it proves the key that the draw names. */
async function transcript() {
  const view = await api("GET", `/api/v1/lots/${lot}/opening-key`);
  return (await api("GET", `/api/v1/transcripts/${view.transcript}`, undefined, { raw: true })).text();
}

/** A fresh token of the time authority over a digest of the device's own. */
async function trustedTime() {
  const headers = { "Content-Type": "application/timestamp-query" };
  const answer = await api("POST", "/tsa", await call("askTime"), { headers, raw: true });
  return new Uint8Array(await answer.arrayBuffer());
}
