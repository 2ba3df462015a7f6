/** The evaluation desk: sheets that keep themselves, notes at what stands out, votes, and handing in under a signature. */
import { Keeper } from "./autosave.js";
import { notable } from "./deviation.js";
import { showProblems, wordsOf } from "./problems.js";
import { SheetForm } from "./sheet.js";
import { ready } from "./ready.js";
import { signerOfPage } from "./signer.js";
import { arrange } from "./view.js";
import { api } from "../http.js";
import { civil } from "../clock.js";
import { t } from "../words.js";

const desk = /** @type {HTMLElement} */ (document.querySelector("[data-desk]"));
const base = `/api/v1/lots/${desk.dataset.lot}/evaluation`;
const view = arrange(desk);
const signer = signerOfPage();
const sheets = /** @type {HTMLFormElement[]} */ ([...desk.querySelectorAll("form[data-sheet]")]).map((form) => new SheetForm(form));
const keepers = new Map(sheets.map((sheet) => [sheet.bid, keep(sheet)]));

for (const form of desk.querySelectorAll("form[data-vote]")) form.addEventListener("submit", vote);
document.querySelector("[data-hand-in]")?.addEventListener("click", handIn);
look();
ready();

/** @param {SheetForm} sheet */
function keep(sheet) {
  const keeper = new Keeper({
    key: `${desk.dataset.member}/${sheet.bid}`,
    path: `${base}/drafts/${sheet.bid}`,
    version: Number(sheet.form.dataset.version),
    read: () => sheet.read(),
    told: tell,
  });
  const left = keeper.left();
  if (left) {
    sheet.write(left);
    keeper.changed();
  } else if (sheet.form.dataset.savedAt) tell("saved", Date.parse(sheet.form.dataset.savedAt));
  sheet.form.addEventListener("input", () => {
    keeper.changed();
    look();
  });
  document.addEventListener("visibilitychange", () => document.hidden && keeper.flush());
  return keeper;
}

/** @param {string} state @param {number} at */
function tell(state, at) {
  const place = /** @type {HTMLElement} */ (document.querySelector("[data-saved]"));
  place.dataset.saved = state;
  place.textContent = t(`pages.expert.js.kept_${state}`, { time: civil(at).slice(11, 16) });
}

/** Look over all sheets: which are filled, and which points ask for a note. */
function look() {
  const asked = notable(Object.fromEntries(sheets.map((sheet) => [sheet.bid, sheet.shares()])));
  for (const sheet of sheets) {
    sheet.ask(new Map(asked.filter((one) => one.bid === sheet.bid).map((one) => [one.code, one.why])));
    mark(sheet.bid, sheet.complete ? "filled" : sheet.begun ? "begun" : "");
  }
  const count = document.querySelector("[data-count]");
  const filled = sheets.filter((sheet) => sheet.complete).length;
  if (count) count.textContent = t(sheets.length ? "pages.expert.js.count" : "pages.expert.js.all_in", { filled, all: sheets.length });
}

/** @param {string} bid @param {string} state */
function mark(bid, state) {
  const place = document.querySelector(`[data-bid-state="${bid}"]`);
  const template = /** @type {HTMLTemplateElement | null} */ (document.querySelector(`template[data-tag="${state}"]`));
  if (place) place.replaceChildren(...(template ? [template.content.cloneNode(true)] : []));
}

/** @returns {import("./problems.js").Problem[]} what keeps the filled sheets from being handed in */
function problems() {
  const asked = notable(Object.fromEntries(sheets.map((sheet) => [sheet.bid, sheet.shares()])));
  return sheets
    .filter((sheet) => sheet.begun)
    .flatMap((sheet) => [
      ...sheet.inputs.map((input) => ({ field: input.id, words: sheet.check(input, { strict: true, empty: true }) })),
      ...asked
        .filter((one) => one.bid === sheet.bid && !sheet.noted(one.code))
        .map((one) => ({ field: `${inputOf(sheet, one.code)}-note`, words: t("pages.expert.js.note_missing") })),
    ])
    .filter((one) => one.words)
    .map((one) => ({ field: one.field, words: `${nameAt(one.field)}${one.words}` }));
}

/** @param {SheetForm} sheet @param {string} code */
function inputOf(sheet, code) {
  return sheet.inputs.find((one) => one.dataset.code === code)?.id;
}

/** @param {string} id @returns {string} the bid and the item of a field, for a list of problems */
function nameAt(id) {
  const field = document.getElementById(id.replace(/-note$/, ""));
  const label = /** @type {HTMLInputElement | null} */ (field)?.labels?.[0]?.textContent?.trim() ?? "";
  const bid = field?.closest("article")?.querySelector("h2")?.textContent ?? "";
  return t("pages.expert.js.at", { bid, item: label });
}

/** Hand in every filled sheet, each under its own signature; what fails stays on the desk. */
async function handIn() {
  const found = problems();
  const ready = sheets.filter((sheet) => sheet.complete);
  if (!found.length && !ready.length) found.push({ field: "", words: t("pages.expert.js.nothing_filled") });
  showProblems(found);
  for (const link of document.querySelectorAll("[data-problems] a")) link.addEventListener("click", bringForward);
  if (found.length) return;
  for (const sheet of ready) {
    const message = await signer?.sign(fieldsOf(sheet));
    if (!message) return;
    try {
      await api("POST", `${base}/sheets`, { message });
      keepers.get(sheet.bid)?.done();
    } catch (error) {
      return showProblems([{ field: "", words: wordsOf(error, t) }]);
    }
  }
  location.assign(`/expert/lots/${desk.dataset.lot}?done=sheets_handed_in`);
}

/** @param {SheetForm} sheet @returns {Record<string, unknown>} what is signed: notes stand under the remark, by item */
function fieldsOf(sheet) {
  const { scores, remark, notes } = sheet.read();
  const names = sheet.names();
  const lines = Object.entries(notes).map(([code, note]) => t("pages.expert.js.note_line", { item: names[code], note }));
  const whole = [remark, ...lines].filter(Boolean).join("\n");
  return { bid: sheet.bid, committee: desk.dataset.committee, format: "ggzy/score-sheet/v1", remark: whole, scores };
}

/** @param {Event} event a problem leads to a field that may stand on a hidden bid */
function bringForward(event) {
  const id = new URL(/** @type {HTMLAnchorElement} */ (event.currentTarget).href).hash.slice(1);
  const bid = /** @type {HTMLElement | null} */ (document.getElementById(id)?.closest("[data-bid]"));
  if (!bid) return;
  event.preventDefault();
  view.show(String(bid.dataset.bid));
  desk.dataset.view = "sheet";
  document.getElementById(id)?.focus();
}

/** @param {Event} event */
async function vote(event) {
  event.preventDefault();
  showProblems([]);
  const form = /** @type {HTMLFormElement} */ (event.target);
  const said = new FormData(form);
  const number = /** @type {HTMLElement} */ (form.querySelector("fieldset")).id.replace("vote-", "");
  const reject = said.get("reject") === "yes";
  const [ground, reason] = [String(said.get("ground")), String(said.get("reason")).trim()];
  if (!said.get("reject")) return showProblems([{ field: `vote-${number}`, words: t("pages.expert.js.choose") }]);
  if (reject && !ground) return showProblems([{ field: `ground-${number}`, words: t("pages.expert.js.ground_missing") }]);
  if (reject && !reason) return showProblems([{ field: `reason-${number}`, words: t("pages.expert.js.reason_missing") }]);
  const fields = { bid: form.dataset.vote, committee: desk.dataset.committee, format: "ggzy/rejection-vote/v1" };
  const message = await signer?.sign({ ...fields, ground: reject ? ground : "", reason, reject });
  if (!message) return;
  try {
    await api("POST", `${base}/votes`, { message });
    location.reload();
  } catch (error) {
    showProblems([{ field: "", words: wordsOf(error, t) }]);
  }
}
