/** One bid's score sheet on the page: what it says, what is wrong with it, its sum, the notes that it asks for. */
import { fault, hundredths, written } from "./points.js";
import { t } from "../words.js";

/** @typedef {{scores: Record<string, string>, remark: string, notes: Record<string, string>}} Content */

/** A form `[data-sheet]`. */
export class SheetForm {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    this.bid = String(form.dataset.sheet);
    /** @type {HTMLInputElement[]} */
    this.inputs = [...form.querySelectorAll("input[data-code]")].filter((one) => one instanceof HTMLInputElement);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.dataset.code) this.check(input);
      this.add();
    });
    form.addEventListener("change", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      if (input.dataset.code) this.check(input, { strict: true });
    });
    this.#review();
  }

  /** @returns {Content} what is typed now */
  read() {
    const scores = Object.fromEntries(this.inputs.map((one) => [code(one), one.value.trim()]).filter(([, text]) => text));
    const notes = this.#notes().map((area) => [String(area.dataset.note), text(area).value.trim()]);
    const remark = /** @type {HTMLTextAreaElement} */ (this.form.querySelector("[data-remark]")).value.trim();
    return { scores, remark, notes: Object.fromEntries(notes.filter(([, said]) => said)) };
  }

  /** @param {Content} content put back what was typed before */
  write(content) {
    for (const one of this.inputs) one.value = content.scores[code(one)] ?? "";
    for (const area of this.#notes()) {
      text(area).value = content.notes[String(area.dataset.note)] ?? "";
      if (text(area).value) area.hidden = false;
    }
    /** @type {HTMLTextAreaElement} */ (this.form.querySelector("[data-remark]")).value = content.remark;
    this.#review();
  }

  /** @returns {boolean} whether every item has points that a sheet may carry */
  get complete() {
    return this.inputs.every((one) => fault(one.value.trim(), maximum(one)) === "");
  }

  /** @returns {boolean} whether anything was typed */
  get begun() {
    const { scores, remark } = this.read();
    return Object.keys(scores).length > 0 || remark !== "";
  }

  /** @returns {Record<string, number>} valid points as shares of the maxima */
  shares() {
    const valid = this.#points().filter((one) => fault(one.value.trim(), maximum(one)) === "" && (hundredths(maximum(one)) ?? 0) > 0);
    return Object.fromEntries(
      valid.map((one) => [code(one), (hundredths(one.value.trim()) ?? 0) / (hundredths(maximum(one)) ?? 1)]),
    );
  }

  /**
   * Mark what is wrong with an item; while somebody types, only what typing on cannot mend.
   * @param {HTMLInputElement} input
   * @param {{strict?: boolean, empty?: boolean}} [how]
   * @returns {string} the words, "" when nothing is wrong
   */
  check(input, { strict = false, empty = false } = {}) {
    const found = fault(input.value.trim(), maximum(input));
    const told = found === "range" || (found === "form" && strict) || (found === "empty" && empty) ? found : "";
    const words = told ? t(`pages.expert.js.points_${told}`, { maximum: maximum(input) }) : "";
    const place = /** @type {HTMLElement} */ (document.getElementById(`${input.id}-wrong`));
    place.textContent = words;
    place.hidden = !words;
    input.toggleAttribute("aria-invalid", Boolean(words));
    input.closest(".points")?.classList.toggle("bad", Boolean(words));
    return words;
  }

  /**
   * Ask for notes at these items, and at no others unless something is written there.
   * @param {Map<string, string>} asked why by item
   */
  ask(asked) {
    for (const area of this.#notes()) {
      const why = asked.get(String(area.dataset.note));
      area.hidden = why === undefined && !text(area).value.trim();
      const place = /** @type {HTMLElement} */ (area.querySelector(".hint"));
      place.textContent = why === undefined ? "" : t(`pages.expert.js.note_${why}`);
    }
  }

  /** @param {string} item @returns {boolean} whether a note stands at an item */
  noted(item) {
    return this.#notes().some((area) => area.dataset.note === item && text(area).value.trim() !== "");
  }

  /** @returns {Record<string, string>} the item's words by code */
  names() {
    return Object.fromEntries(this.inputs.map((one) => [code(one), one.labels?.[0]?.textContent?.trim() ?? code(one)]));
  }

  /** Show the sum of what is valid. */
  add() {
    const sum = this.#points().reduce((before, one) => before + (fault(one.value.trim(), maximum(one)) ? 0 : (hundredths(one.value.trim()) ?? 0)), 0);
    /** @type {HTMLOutputElement} */ (this.form.querySelector("[data-sum]")).value = written(sum);
  }

  /** Mark what is wrong with points that were typed before, and show their sum. */
  #review() {
    for (const one of this.inputs) this.check(one, { strict: true });
    this.add();
  }

  /** Amounts by which deviations are quantified are yuan, and neither summed nor compared with points. */
  #points() {
    return this.inputs.filter((one) => !code(one).startsWith("deviation_"));
  }

  #notes() {
    return /** @type {HTMLElement[]} */ ([...this.form.querySelectorAll("[data-note]")]);
  }
}

/** @param {HTMLInputElement} input */
const code = (input) => String(input.dataset.code);
/** @param {HTMLInputElement} input */
const maximum = (input) => String(input.dataset.maximum);
/** @param {HTMLElement} area */
const text = (area) => /** @type {HTMLTextAreaElement} */ (area.querySelector("textarea"));
