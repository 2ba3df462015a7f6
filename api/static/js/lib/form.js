/**
 * The structured form at the head of a payload (`ggzy/form/v1`), read at the opening without touching the files.
 * docs/spec/sealing.md, section 5. Amounts are decimal strings of yuan with two places.
 */
import { utf8 } from "./bytes.js";
import { decode, encode as encodeCanonical } from "./canonical.js";
import { Refusal, require } from "./refusal.js";
import * as shape from "./shape.js";

const FORMAT = "ggzy/form/v1";
export const MAX_FORM = 1 << 20;

const PRICE = /^(0|[1-9][0-9]{0,14})\.[0-9]{2}$/;
const MEDIA_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/;
const FORBIDDEN = /[/\\:*?"<>|\p{C}\p{Zl}\p{Zp}]/u;
// What only a newer Unicode than the opener's may know. A sealer may be stricter: a bid must never fail for a name.
const UNSURE = /[\u{10000}-\u{1ffff}\u{2ebe1}-\u{2f7ff}\u{2fa1e}-\u{2ffff}\u{3134b}-\u{10ffff}]/u;
const UNKNOWN_TYPE = "application/octet-stream";

const line = shape.text(1, 1000);
const SHAPE = shape.object({
  format: shape.oneOf(FORMAT),
  kind: shape.oneOf("qualification", "technical", "price"),
  price: shape.nullable((value) => typeof value === "string"),
  term_days: shape.nullable(shape.whole(1, 36500)),
  quality: shape.nullable(line),
  leader: shape.nullable(line),
  particulars: isParticulars,
  files: shape.list(
    shape.object({
      name: (value) => typeof value === "string",
      size: shape.whole(0, 2 ** 40),
      media_type: (value) => typeof value === "string",
    }),
    0,
    1000,
  ),
});

/**
 * @typedef {{name: string, size: number, media_type: string}} FileEntry
 * @typedef {object} Form
 * @property {"qualification" | "technical" | "price"} kind
 * @property {string | null} [price] yuan with two places; in the price envelope and nowhere else
 * @property {number | null} [term_days]
 * @property {string | null} [quality]
 * @property {string | null} [leader]
 * @property {Record<string, string>} [particulars]
 * @property {FileEntry[]} [files]
 */

/** @param {Form} form @returns {Uint8Array} the canonical JSON @throws {Refusal} as `parse` */
export function encode(form) {
  const { kind, price = null, term_days = null, quality = null, leader = null, particulars = {}, files = [] } = form;
  const data = encodeCanonical({ format: FORMAT, kind, price, term_days, quality, leader, particulars, files });
  parse(data);
  for (const { name } of files) require(!UNSURE.test(name), "bid.bad_file_name", { name });
  return data;
}

/**
 * Read a form strictly.
 * @param {Uint8Array} data
 * @returns {Required<Form>}
 * @throws {Refusal} `bid.bad_form`, `bid.bad_price`, `bid.price_misplaced`, `bid.bad_file_name`, `bid.bad_media_type`,
 *   `bid.repeated_file`
 */
export function parse(data) {
  require(data.length <= MAX_FORM, "bid.bad_form", { what: "size" });
  const form = structured(data);
  require(form.price === null || PRICE.test(form.price), "bid.bad_price");
  require((form.price !== null) === (form.kind === "price"), "bid.price_misplaced", { envelope: form.kind });
  require(form.price === null || /[1-9]/.test(form.price), "bid.bad_price");
  const seen = new Set();
  for (const { name, media_type } of form.files) {
    require(isFileName(name), "bid.bad_file_name", { name });
    require(MEDIA_TYPE.test(media_type), "bid.bad_media_type", { name });
    const folded = name.toUpperCase().toLowerCase(); // ß and SS are one name, as under case folding
    require(!seen.has(folded), "bid.repeated_file", { name });
    seen.add(folded);
  }
  return form;
}

/**
 * Read an amount of yuan as a person writes it, with at most two places.
 * @param {string} written
 * @returns {string} with two places
 * @throws {Refusal} `bid.bad_price`
 */
export function readPrice(written) {
  const plain = written.replaceAll(/[,\uff0c\s]/g, "");
  const match = /^(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,2}))?$/.exec(plain);
  if (match === null || !/[1-9]/.test(plain)) throw new Refusal("bid.bad_price");
  return `${match[1]}.${(match[2] ?? "").padEnd(2, "0")}`;
}

/**
 * How a chosen file is listed: its plain name in NFC, its size, its media type as far as it is well formed.
 * @param {File} file
 * @returns {FileEntry}
 */
export function entryOf(file) {
  const media = file.type.split(";")[0].trim().toLowerCase();
  return { name: file.name.normalize("NFC"), size: file.size, media_type: MEDIA_TYPE.test(media) ? media : UNKNOWN_TYPE };
}

/** @param {Uint8Array} data @returns {Required<Form>} */
function structured(data) {
  let form = null;
  try {
    form = decode(data);
  } catch {
    form = null;
  }
  if (!SHAPE(form)) throw new Refusal("bid.bad_form", { what: "structure" });
  return /** @type {Required<Form>} */ (form);
}

/** @param {unknown} value */
function isParticulars(value) {
  const label = shape.text(1, 64);
  if (!shape.record(value)) return false;
  const entries = Object.entries(/** @type {object} */ (value));
  return entries.length <= 64 && entries.every(([name, said]) => label(name) && line(said));
}

/** Refuse names that some file system would read as a path, a device or nothing. @param {string} name */
function isFileName(name) {
  return (
    /[^. ]/.test(name) &&
    name === name.trim() &&
    !name.endsWith(".") &&
    utf8(name).length <= 255 &&
    name.normalize("NFC") === name &&
    !FORBIDDEN.test(name)
  );
}
