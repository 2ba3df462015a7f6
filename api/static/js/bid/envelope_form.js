/** One envelope's section on the page: its fields, its files, and the plan that is read from them. */
import { Refusal, require } from "../lib/refusal.js";
import { encode, entryOf, readPrice } from "../lib/form.js";
import { amountInFigures, amountInWords } from "../lib/amount.js";
import { t } from "../words.js";
import { size } from "../size.js";
import { concernsOf, warning } from "./concerns.js";
import { byId, wordsOf } from "./page_parts.js";

/** What is kept of an envelope between visits: its fields by id as typed, the names of its files. @typedef {{values: Record<string, string>, files: string[]}} Typed */

export class EnvelopeForm {
  /** @type {File[]} */
  #files = [];
  /** Names of files that were chosen on an earlier visit: each is chosen again or dropped. @type {string[]} */
  #wanted = [];

  /** @param {HTMLElement} section with `data-envelope` */
  constructor(section) {
    this.section = section;
    this.kind = section.dataset.envelope ?? "";
    this.list = /** @type {HTMLElement} */ (section.querySelector("[data-files]"));
    const chooser = byId(`${this.kind}-files`);
    chooser.addEventListener("change", () => {
      this.#files.push(...chooser.files);
      this.#wanted = this.#wanted.filter((name) => !this.#files.some((file) => file.name === name));
      chooser.value = ""; // the same file can be chosen again after it was taken out
      this.#show();
    });
    section.addEventListener("input", () => this.#tell());
    this.#show();
  }

  get files() {
    return this.#files;
  }

  /** @returns {Typed} */
  typed() {
    const values = Object.fromEntries(this.#fields().map((field) => [field.id, field.value]));
    return { values, files: [...this.#files.map((file) => file.name), ...this.#wanted] };
  }

  /** Put back what was typed before, in place of what stands there. @param {Typed} typed */
  fill({ values, files }) {
    for (const field of this.#fields()) field.value = values[field.id] ?? "";
    [this.#files, this.#wanted] = [[], files];
    this.#show();
  }

  /** @returns {import("../lib/form.js").Form} as typed; throws a Refusal with `field` where something is wrong */
  read() {
    const price = this.kind === "price" ? at("price-price", () => readPrice(this.#text("price"))) : null;
    const form = {
      kind: /** @type {any} */ (this.kind),
      price,
      term_days: at(`${this.kind}-term_days`, () => this.#days()),
      quality: this.#text("quality") || null,
      leader: this.#text("leader") || null,
      particulars: at(`${this.kind}-particulars`, () => particularsOf(this.#text("particulars"))),
    };
    at(`${this.kind}-files`, () => {
      require(this.#wanted.length === 0, "pages.bid.files_wanted", { names: this.#wanted.join(t("page.and")) });
    });
    at(`${this.kind}-files`, () => encode({ ...form, files: this.#files.map(entryOf) }));
    return form;
  }

  /** @returns {[string, string][]} what was typed, for checking */
  answers() {
    const { price, term_days, quality, leader, particulars } = this.read();
    const told = /** @type {[string, string][]} */ ([]);
    if (price) told.push([t("pages.bid.price"), inBoth(price)]);
    if (term_days) told.push([t("pages.bid.term"), t("pages.bid.days", { days: term_days })]);
    if (quality) told.push([t("pages.bid.quality"), quality]);
    if (leader) told.push([t("pages.bid.leader"), leader]);
    for (const [name, said] of Object.entries(particulars ?? {})) told.push([name, said]);
    const files = this.#files.map((file) => file.name + t("page.aside", { text: size(file.size) })).join(t("page.and"));
    return [...told, [t("pages.bid.files"), files || t("pages.bid.no_files")]];
  }

  /** @returns {string[]} what in this envelope may lead to a rejection, as far as it can be read */
  concerns() {
    const ceiling = this.section.dataset.ceiling ?? "";
    const files = this.#files.length + this.#wanted.length;
    return concernsOf({ kind: this.kind, price: this.#price(), files, ceiling });
  }

  /** @returns {string | null} the price with two places, null while it is none */
  #price() {
    try {
      return this.kind === "price" ? readPrice(this.#text("price")) : null;
    } catch {
      return null;
    }
  }

  /** Say the price in words, and what may lead to a rejection. */
  #tell() {
    const price = this.#price();
    const said = byId("price-words");
    if (this.kind === "price") [said.hidden, said.textContent] = [price === null, price ? inBoth(price) : ""];
    const [place, concerns] = [this.section.querySelector("[data-concerns]"), this.concerns()];
    if (place?.textContent !== concerns.join("")) place?.replaceChildren(...concerns.map(warning)); // spoken once, not at each key
  }

  /** @param {string} name */
  #text(name) {
    return byId(`${this.kind}-${name}`)?.value.trim() ?? "";
  }

  #days() {
    const typed = this.#text("term_days");
    if (typed === "") return null;
    if (!/^[1-9][0-9]{0,4}$/.test(typed) || Number(typed) > 36500) throw new Refusal("pages.bid.term_wrong");
    return Number(typed);
  }

  /** @returns {HTMLInputElement[]} what is typed into */
  #fields() {
    return Array.from(this.section.querySelectorAll("input:not([type=file]), textarea"));
  }

  #show() {
    const chosen = this.#files.map((file) => {
      const said = file.name + t("page.aside", { text: size(file.size) });
      return this.#line(said, file.name, () => this.#files.splice(this.#files.indexOf(file), 1));
    });
    const wanted = this.#wanted.map((name) => {
      const said = t("pages.bid.file_wanted", { name });
      return this.#line(said, name, () => this.#wanted.splice(this.#wanted.indexOf(name), 1));
    });
    this.list.replaceChildren(...chosen, ...wanted);
    this.#tell();
  }

  /** @param {string} said @param {string} name @param {() => void} remove @returns {HTMLElement} a file with the way to drop it */
  #line(said, name, remove) {
    const [line, words, drop] = [document.createElement("li"), document.createElement("span"), document.createElement("button")];
    words.textContent = said;
    [drop.type, drop.className, drop.textContent] = ["button", "link", t("pages.bid.file_drop")];
    drop.setAttribute("aria-label", t("pages.bid.file_drop_named", { name }));
    drop.addEventListener("click", () => {
      remove();
      this.#show();
      this.section.dispatchEvent(new Event("input"));
    });
    line.append(words, drop);
    return line;
  }
}

/** @param {any} error @returns {{text: string, field?: string}} */
export function problemOf(error) {
  return { text: wordsOf(error), field: error.field };
}

/** Put whatever the work refuses at a field. @template T @param {string} field @param {() => T} work @returns {T} */
function at(field, work) {
  try {
    return work();
  } catch (error) {
    throw Object.assign(/** @type {object} */ (error), { field });
  }
}

/** One line each: name, colon, what is said. @param {string} text @returns {Record<string, string>} */
function particularsOf(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const pairs = lines.filter(Boolean).map((line) => {
    const match = /^([^:\uff1a]{1,64})[:\uff1a]\s*(.{1,1000})$/u.exec(line);
    if (match === null) throw new Refusal("pages.bid.particulars_wrong", { line });
    return [match[1].trim(), match[2].trim()];
  });
  return Object.fromEntries(pairs);
}

/** @param {string} price with two places @returns {string} in figures and in words */
function inBoth(price) {
  return t("pages.bid.price_said", { price: amountInFigures(price), words: amountInWords(price) });
}
