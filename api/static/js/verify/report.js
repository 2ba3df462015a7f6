/** The report of a verification: one section for each artefact, its steps as they hold, the first thing wrong. */

import { civil } from "../clock.js";
import { t } from "../words.js";

/** Shows reports in a place, made of the page's templates `artefact` and `step`. */
export class Report {
  #place;
  /** @type {HTMLElement | null} */
  #section = null;
  /** @type {[number, string][]} */
  #steps = [];
  #sound = 0;
  #read = 0;
  #wrong = 0;
  #lacking = 0;

  /** @param {HTMLElement} place */
  constructor(place) {
    this.#place = place;
    place.replaceChildren();
  }

  /** @returns {{sound: number, wrong: number, lacking: number}} how many artefacts hold, do not, are not all there */
  get counts() {
    return { sound: this.#sound, wrong: this.#wrong, lacking: this.#lacking };
  }

  /** @param {{sort: string, path: string, own: string[], steps: [number, string][], left: [number, string][], total: number}} artefact */
  began({ sort, path, own, steps, left, total }) {
    const section = copy("artefact");
    part(section, "title").textContent = t(`pages.verify.sort_${sort}`);
    part(section, "path").textContent = path;
    part(section, "own").hidden = own.length === 0;
    part(section, "own").textContent = own.map((key) => t(`pages.verify.own_${key}`)).join(" ");
    const bar = /** @type {HTMLProgressElement} */ (part(section, "bar"));
    bar.max = Math.max(total, 1);
    bar.hidden = total < 1 << 22;
    const list = part(section, "steps");
    const sorted = [...steps, ...left].sort(([one], [other]) => one - other);
    for (const [number, name] of sorted) list.append(row(number, name));
    this.#place.append(section);
    [this.#section, this.#steps, this.#read] = [section, [...steps], 0];
    for (const [number] of left) mark(this.#row(number), "off", t("pages.verify.not_at_hand"));
    this.#state("wait", t("pages.verify.checking"));
  }

  /** One more step is taken, because of what is at hand. @param {[number, string]} step */
  further([number, name]) {
    if (!this.#own().querySelector(`[data-number="${number}"]`)) part(this.#own(), "steps").append(row(number, name));
    this.#steps.push([number, name]);
  }

  /** @param {{number: number, name: string, detail: string}} step */
  held({ number, detail }) {
    this.#steps = this.#steps.filter(([waiting]) => waiting !== number);
    const line = this.#row(number);
    mark(line, "good", t("pages.verify.held"));
    part(line, "detail").textContent = readable(detail);
  }

  /** @param {number} bytes since the last report */
  progress(bytes) {
    this.#read += bytes;
    const bar = /** @type {HTMLProgressElement} */ (part(this.#own(), "bar"));
    bar.value = this.#read;
    bar.textContent = `${Math.floor((100 * this.#read) / bar.max)} %`;
  }

  done() {
    this.#sound += 1;
    this.#state("good", t("pages.verify.sound"));
    part(this.#own(), "bar").hidden = true;
  }

  /** @param {{code: string, params: Record<string, unknown>}} refusal */
  wrong({ code, params }) {
    this.#wrong += 1;
    const [first, ...rest] = this.#steps;
    if (first) {
      const line = this.#row(first[0]);
      mark(line, "bad", t("pages.verify.broken"));
      part(line, "detail").className = "wrong";
      part(line, "detail").textContent = t(code, params) + t("page.aside", { text: code });
    }
    for (const [number] of rest) mark(this.#row(number), "off", t("pages.verify.not_reached"));
    this.#state("bad", t("pages.verify.unsound"));
    part(this.#own(), "bar").hidden = true;
  }

  /** Nothing is said of what is not all there. @param {{code: string, params: Record<string, unknown>}} refusal */
  lacking({ code, params }) {
    this.#lacking += 1;
    const said = part(this.#own(), "own");
    [said.hidden, said.textContent] = [false, t(code, params)];
    for (const [number] of this.#steps) mark(this.#row(number), "off", t("pages.verify.not_checked"));
    this.#state("wait", t("pages.verify.incomplete"));
    part(this.#own(), "bar").hidden = true;
  }

  /** @param {string} state @param {string} words */
  #state(state, words) {
    mark(this.#own(), state, words);
  }

  #own() {
    return /** @type {HTMLElement} */ (this.#section);
  }

  /** @param {number} number */
  #row(number) {
    return /** @type {HTMLElement} */ (this.#own().querySelector(`[data-number="${number}"]`));
  }
}

/** Return a figure as people read it: a moment in China's time, codes in words. @param {string} detail */
function readable(detail) {
  const isMoment = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(detail);
  if (isMoment) return t("pages.verify.moment", { time: civil(Date.parse(detail)), exact: detail });
  return detail.replace(/[a-z]+(?:\.[a-z]+)?/g, (word) => {
    const code = `cli.verify.figure.${word}`;
    return t(code) === code ? word : t(code);
  });
}

/** @param {number} number @param {string} name */
function row(number, name) {
  const line = copy("step");
  line.dataset.number = String(number);
  part(line, "number").textContent = `${number}.`;
  part(line, "name").textContent = t(`cli.verify.step.${name}`);
  mark(line, "plain", t("pages.verify.waiting"));
  return line;
}

/**
 * Show a state as icon and text: the tags of all states stand in the templates, one of them is visible.
 * @param {HTMLElement} place
 * @param {string} state
 * @param {string} words
 */
function mark(place, state, words) {
  const own = part(place, "state");
  own.replaceChildren(copy(`tag-${state}`));
  part(own, "words").textContent = words;
}

/** @param {string} name @returns {HTMLElement} a copy of the page's template of this name */
function copy(name) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(name));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/** @param {HTMLElement} place @param {string} name @returns {HTMLElement} */
function part(place, name) {
  return /** @type {HTMLElement} */ (place.querySelector(`[data-part="${name}"]`));
}
