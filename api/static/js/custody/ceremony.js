/**
 * A key making on the custodian's page: it follows the rounds by itself, and stops where the person has something to do
 * (compare fingerprints, prove the backup). Broken off at any point, it goes on when the page is opened again.
 */
import { api, Refusal } from "../http.js";
import { codeOf } from "../lib/refusal.js";
import { t } from "../words.js";
import { call, close } from "./remote.js";
import { doing, fail, hide, offer, onSend, part, pause, refresh, show } from "./stage.js";
import { unlock } from "./unlock.js";

const PAUSE = 1500; // milliseconds between two looks at the key making
const { ceremony, index } = part("work").dataset;
const path = `/api/v1/ceremonies/${ceremony}`;

let setup = ""; // read once, so that what was compared is what is signed

await unlock(async () => {
  const found = await look();
  setup = found.setup;
  tell(await call("inspect", setup, ceremony));
  if (found.dealt.includes(Number(index))) await goOn();
  else show("compare");
});

onSend("compare", async () => {
  const found = await look();
  // A deal is another each time: one whose answer was lost must not be followed by a second.
  if (!found.dealt.includes(Number(index))) await post("deal", await call("deal", setup));
  hide("compare");
  refresh();
  await goOn();
});

/** Show the people and fingerprints that the device read out of the setup, not those that the server wrote. */
function tell(/** @type {{index: number, name: string, role: string, fingerprint: string}[]} */ people) {
  for (const { index: number, name, role, fingerprint } of people) {
    const row = part("person").content.cloneNode(true);
    const cells = row.querySelectorAll("td, th");
    const told = [number, name, t(`pages.custody.js.role.${role}`), fingerprint];
    told.forEach((value, at) => (cells[at].textContent = value));
    part("people").append(row);
  }
}

/** Wait for the others' deals, check them, keep the shares, and certify once the backup is proven. */
async function goOn() {
  doing("waiting_deals");
  const found = await until("certifying", "finished");
  doing("checking");
  const deals = await api("GET", `${path}/deals`);
  const received = await call("receive", setup, deals);
  if (received.complaint) {
    await api("POST", `${path}/complaint`, { message: received.complaint });
    throw refusal("keymaking.bad_share", { dealer: received.dealer });
  }
  if (!found.certified.includes(Number(index))) await certify(deals, received.transcript);
  doing("waiting_certificates");
  await until("finished");
  const made = await call("finish", setup, deals, await api("GET", `${path}/certificates`));
  close();
  hide("unlocked");
  doing();
  part("hash").textContent = made.transcript;
  hide("abort");
  show("finished");
  refresh();
}

/** Have the person save the key file and select the saved one; only then the certificate goes out. */
async function certify(/** @type {string[]} */ deals, /** @type {string} */ transcript) {
  offer(await call("backup"));
  doing("backup");
  show("backup");
  await proven(transcript);
  hide("backup", "trouble");
  doing("certifying");
  await post("certificate", await call("certify", setup, deals));
}

/** Resolve when a file was selected that holds the shares; what is wrong with another one is shown. */
function proven(/** @type {string} */ transcript) {
  return new Promise((resolve) => {
    part("saved").addEventListener("change", async () => {
      const [file] = part("saved").files;
      if (!file) return;
      try {
        await call("prove", new Uint8Array(await file.arrayBuffer()), transcript);
        resolve(undefined);
      } catch (error) {
        fail(error);
      }
    });
  });
}

async function look() {
  return api("GET", path);
}

/** Look until the key making has come so far; `custody.aborted`, `custody.expired` when it ended otherwise. */
async function until(/** @type {string[]} */ ...states) {
  for (;;) {
    const found = await look().catch((error) => {
      if (error.code === "network") return null; // the network comes back
      throw error;
    });
    if (found && states.includes(found.state)) return found;
    if (found?.state === "expired") throw refusal("custody.expired");
    if (found?.state === "aborted") {
      throw refusal("custody.aborted", { reason: found.reason ?? "", blamed: found.blamed ?? "" });
    }
    await pause(PAUSE);
  }
}

/** Post a message, the same again while the network is away; if the key making has just ended, what follows says how. */
async function post(/** @type {string} */ round, /** @type {string} */ message) {
  for (;;) {
    try {
      await api("POST", `${path}/${round}`, { message });
      return;
    } catch (error) {
      if (codeOf(error) === "ceremony.wrong_state") return;
      if (codeOf(error) !== "network") throw error;
      doing("network");
      await pause(PAUSE);
    }
  }
}

/** @param {string} code @param {Record<string, unknown>} [params] */
function refusal(code, params = {}) {
  return new Refusal(code, t(code, params), 0, params);
}
