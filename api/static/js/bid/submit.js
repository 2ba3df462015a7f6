/** The page that writes, seals and hands in a bid: one step is shown at a time; nothing leaves the device unsealed. */
import { text } from "../lib/bytes.js";
import { AES_256_GCM } from "../lib/header.js";
import { PayloadSource } from "../lib/payload.js";
import { t } from "../words.js";
import { civil } from "../clock.js";
import { size } from "../size.js";
import { Autosave } from "./autosave.js";
import { askFor, isAware, warning } from "./concerns.js";
import { call } from "./device.js";
import * as drafts from "./drafts.js";
import { EnvelopeForm, problemOf } from "./envelope_form.js";
import { KeyField } from "./key_field.js";
import { busy, byId, onSubmit, rows, showProblems, showRefusal } from "./page_parts.js";
import * as pending from "./pending.js";
import { RESULT } from "./rehearsed.js";
import * as files from "./sealed_files.js";
import { adopt, saveSealed, sealHere, send, targetOf } from "./sending.js";

const root = byId("bid");
const { lot, title, uscc, user, previous } = root.dataset;
const sections = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-step]")]);
const envelopes = sections.filter((one) => one.dataset.envelope).map((one) => new EnvelopeForm(one));
const autosave = new Autosave({ user, lot, uscc }, envelopes);
const order = ["key", ...envelopes.map((one) => one.kind), "check", "work"];
/** @type {{target: Uint8Array, transcript: Uint8Array, key: any, deadline: string} | null} */
let aim = null;

/** Show one step and put the focus on its heading. @param {string} step @param {{record?: boolean}} [how] whether the way back leads here */
function go(step, { record = true } = {}) {
  for (const section of sections) section.hidden = section.dataset.step !== step;
  byId("draft").hidden = !envelopes.some(({ kind }) => kind === step);
  showProblems([]);
  showWay(step);
  if (record) history.pushState({ step }, "");
  sections.find((one) => !one.hidden)?.querySelector("h2")?.focus();
}

/** @param {string} step */
function showWay(step) {
  const now = order.indexOf(step);
  const lines = order.map((name, place) => {
    const line = document.createElement("li");
    line.textContent = sections.find((one) => one.dataset.step === name)?.dataset.name ?? name;
    if (place === now) line.setAttribute("aria-current", "step");
    if (place < now) line.dataset.done = "";
    return line;
  });
  byId("way").replaceChildren(...lines);
}

/** @param {string} step */
function after(step) {
  return order[order.indexOf(step) + 1];
}

/** Read every envelope; what is wrong is shown at its own step. */
function plans() {
  for (const envelope of envelopes) {
    try {
      envelope.read();
    } catch (error) {
      go(envelope.kind);
      showProblems([problemOf(error)]);
      return null;
    }
  }
  return envelopes.map((envelope) => ({ form: envelope.read(), files: envelope.files }));
}

/** @returns {import("./sending.js").Place} */
function place() {
  return { lot, uscc, user, title, deadline: aim?.deadline ?? root.dataset.deadline };
}

/** Ask what is to be sealed for: deadline and key as they are now; the key is checked on this device. */
async function look() {
  const found = await targetOf(lot);
  return { ...found, key: await call("trust", [found]), deadline: JSON.parse(text(found.target)).deadline };
}

/** @param {KeyField} field */
async function begin(field) {
  if (!(await field.unlock())) return;
  try {
    aim = await look();
    await autosave.restore(aim.deadline);
  } catch (error) {
    showRefusal(error);
    return;
  }
  go(after("key"));
}

function check(how = {}) {
  if (plans() === null || aim === null) return;
  const parts = envelopes.flatMap((envelope) => {
    const heading = document.createElement("h3");
    heading.textContent = t("pages.bid.envelope", { kind: t(`pages.bid.kind.${envelope.kind}`) });
    const list = document.createElement("dl");
    list.className = "rows";
    list.append(...rows(envelope.answers()));
    const change = document.createElement("button");
    [change.type, change.className, change.textContent] = ["button", "link", t("pages.bid.change")];
    change.setAttribute("aria-label", t("pages.bid.change_named", { kind: t(`pages.bid.kind.${envelope.kind}`) }));
    change.addEventListener("click", () => go(envelope.kind));
    return [heading, list, ...envelope.concerns().map(warning), change];
  });
  byId("answers").replaceChildren(...parts);
  askFor(envelopes.flatMap((envelope) => envelope.concerns()));
  const { threshold, custodians } = aim.key;
  const people = custodians.map((/** @type {{name: string, role: string}} */ one) => t("pages.bid.custodian", { ...one, role: t(`accounts.role.${one.role}`) }));
  byId("who-opens").textContent = t("pages.bid.who_opens_said", { threshold, people: people.join(t("page.and")) });
  go("check", how);
}

async function seal() {
  const made = plans();
  if (made === null || !isAware()) return;
  go("work");
  const total = made.reduce((sum, plan) => sum + new PayloadSource(plan.form, plan.files).length, 0);
  try {
    await autosave.flush();
    aim = await look(); // a deadline that moved while the forms were filled in
    const asked = { target: aim.target, transcript: aim.transcript, plans: made, uscc, previous: previous || null, suite: AES_256_GCM };
    await send(await sealHere(place(), asked, total));
  } catch (error) {
    go("check");
    showRefusal(error);
  }
}

function wire() {
  const unlock = byId("unlock");
  const field = new KeyField(unlock);
  onSubmit(unlock, () => begin(field));
  for (const envelope of envelopes) {
    const form = /** @type {HTMLFormElement} */ (envelope.section.querySelector("form"));
    form.noValidate = true;
    onSubmit(form, async () => {
      try {
        envelope.read();
      } catch (error) {
        showProblems([problemOf(error)]);
        return;
      }
      const next = after(envelope.kind);
      if (next === "check") check();
      else go(next);
    });
  }
  for (const back of root.querySelectorAll("[data-back]")) back.addEventListener("click", () => history.back());
  byId("seal").addEventListener("click", () => busy(byId("seal"), seal));
  byId("adopt-file").addEventListener("change", () => take(byId("adopt-file").files[0]));
  addEventListener("popstate", ({ state }) => {
    const step = state?.step ?? "key";
    if (step === "check") check({ record: false });
    else if (step !== "work") go(aim === null ? "key" : step, { record: false });
  });
}

/** A file that `ggzy seal` made: it is checked, copied, and handed in like one of this browser's. @param {File | undefined} file */
async function take(file) {
  if (!file) return;
  go("work");
  try {
    await send(await adopt(place(), file));
  } catch (error) {
    go("key");
    showRefusal(error, "adopt-file");
  }
}

/** @param {import("./pending.js").Pending} bid */
function offer(bid) {
  byId("resume-rows").replaceChildren(
    ...rows([
      [t("pages.bid.number"), bid.digest.slice(0, 16)],
      [t("pages.bid.sealed_at"), civil(bid.sealedAt)],
      [t("pages.bid.size"), size(bid.size)],
    ]),
  );
  byId("resume-go").onclick = () => {
    go("work");
    send(bid);
  };
  byId("resume-save").onclick = () => saveSealed(bid);
  byId("resume-drop").onclick = async () => {
    await pending.forget(bid);
    await files.remove(bid.file);
    go("key");
  };
  go("resume", { record: false });
  if (Date.parse(bid.deadline) !== Date.parse(root.dataset.deadline)) showProblems([{ text: t("pages.bid.resume_moved") }]);
}

function showRehearsal() {
  const last = JSON.parse(localStorage.getItem(RESULT) ?? "null");
  const said = /** @type {HTMLElement} */ (root.querySelector(last?.good ? "[data-rehearsed]" : "[data-unrehearsed]"));
  said.hidden = false;
  if (last?.good) said.textContent = t("pages.bid.rehearsed", { at: civil(last.at), speed: last.speed });
}

async function start() {
  wire();
  showRehearsal();
  if (!files.supported()) showProblems([{ text: t("seal.no_storage") }]);
  root.hidden = false;
  await drafts.expire(new Map([[lot, root.dataset.deadline]]));
  const all = await pending.all();
  await files.sweep(new Set(all.map((one) => one.file))).catch(() => undefined);
  const own = all.find((one) => one.lot === lot && one.uscc === uscc && one.user === user);
  if (own) offer(own);
  else go("key", { record: false });
}

start().catch((error) => showRefusal(error));
