/**
 * Opening an envelope once its payload key is known: form first, then files (docs/spec/sealing.md, section 8).
 * A rehearsal opens what it sealed; a bidder may look into their own sealed file where the policy lets them.
 */
import { concat, integer } from "./bytes.js";
import { MAX_FORM, parse } from "./form.js";
import { paddedLength } from "./padding.js";
import { SEALED_SIZE, cipher, openBlock, recordCount, sealedLength } from "./records.js";
import { Refusal, require } from "./refusal.js";

const BLOCK = 16 * SEALED_SIZE;
const PREFIX = 4;

/** @typedef {import("./form.js").Form} Form */
/** @typedef {{form: Required<Form>} | {entry: import("./form.js").FileEntry} | {bytes: Uint8Array}} Event */

/**
 * Read an envelope's body: first its form, then each file's entry followed by its bytes. When this ends without a
 * refusal the whole payload was authentic and complete.
 * @param {import("./header.js").Header} header
 * @param {Uint8Array} key the payload key
 * @param {Blob} body
 * @returns {AsyncGenerator<Event>}
 * @throws {Refusal} `bid.truncated`, `bid.extended`, `bid.bad_record`, `bid.bad_form`, `bid.bad_padding`
 */
export async function* unseal(header, key, body) {
  const expected = sealedLength(header.paddedLength);
  require(body.size >= expected, "bid.truncated");
  require(body.size <= expected, "bid.extended");
  const parser = new PayloadParser(header);
  const records = await cipher(header.suite, key);
  const count = recordCount(header.paddedLength);
  let index = 0;
  for (let place = 0; place < body.size; place += BLOCK) {
    const block = new Uint8Array(await body.slice(place, place + BLOCK).arrayBuffer());
    for (const plain of await openBlock(records, block, index, count)) yield* parser.feed(plain);
    index += Math.ceil(block.length / SEALED_SIZE);
  }
  parser.finish();
}

/** Plaintext in, events out. */
class PayloadParser {
  #header;
  /** @type {Uint8Array} */
  #head = new Uint8Array();
  /** @type {Required<Form> | null} */
  #form = null;
  /** @type {import("./form.js").FileEntry[]} */
  #entries = [];
  #left = 0;

  /** @param {import("./header.js").Header} header */
  constructor(header) {
    this.#header = header;
  }

  /** @param {Uint8Array} plain @returns {Generator<Event>} */
  *feed(plain) {
    let rest = plain;
    if (this.#form === null) {
      rest = this.#takeHead(rest);
      if (this.#form === null) return;
      yield { form: this.#form };
      yield* this.#begin();
    }
    while (this.#left && rest.length) {
      const bytes = rest.subarray(0, this.#left);
      this.#left -= bytes.length;
      rest = rest.subarray(bytes.length);
      yield { bytes };
      if (!this.#left) yield* this.#begin();
    }
    require(
      rest.every((byte) => byte === 0),
      "bid.bad_padding",
    );
  }

  finish() {
    require(this.#form !== null && this.#left === 0, "bid.bad_form", { what: "length" });
  }

  /** Gather length and form; return what comes after the form. @param {Uint8Array} rest */
  #takeHead(rest) {
    const all = concat(this.#head, rest);
    this.#head = all;
    if (all.length < PREFIX) return new Uint8Array();
    const size = Number(integer(all.subarray(0, PREFIX)));
    require(size <= MAX_FORM, "bid.bad_form", { what: "size" });
    if (all.length < PREFIX + size) return new Uint8Array();
    this.#accept(parse(all.subarray(PREFIX, PREFIX + size)), PREFIX + size);
    return all.subarray(PREFIX + size);
  }

  /** Hold the form against the header: its kind, and nothing but its own padding behind its files. @param {Required<Form>} form @param {number} head bytes */
  #accept(form, head) {
    if (form.kind !== this.#header.kind) throw new Refusal("bid.bad_form", { what: "kind" });
    const used = form.files.reduce((sum, entry) => sum + entry.size, head);
    require(paddedLength(used) === this.#header.paddedLength, "bid.bad_padding");
    this.#form = form;
    this.#entries = [...form.files];
  }

  /** Announce the next file that has bytes, and the empty ones before it. */
  *#begin() {
    while (this.#entries.length && !this.#left) {
      const entry = /** @type {import("./form.js").FileEntry} */ (this.#entries.shift());
      this.#left = entry.size;
      yield { entry };
    }
  }
}
