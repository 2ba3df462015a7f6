/** DER (X.690): a strict reader of definite, minimal lengths, as far as RFC 3161 and RFC 5280 need it. */

import { equal, hex } from "../bytes.js";
import * as moment from "./moment.js";

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
const UTC_TIME = 0x17;
export const GENERALIZED_TIME = 0x18;
export const SEQUENCE = 0x30;
export const SET = 0x31;
export const CONTEXT_0 = 0xa0;
export const CONTEXT_3 = 0xa3;

const LONG_FORM = 0x80;
const HIGH_TAG = 0x1f;
const MAX_LENGTH_BYTES = 4;

/**
 * One element: its tag byte, its content, and the whole encoding.
 * @typedef {{tag: number, content: Uint8Array, raw: Uint8Array}} Node
 */

/** What every reader here throws: the caller knows which refusal it stands for. */
export class Malformed extends Error {}

/**
 * Read exactly one element that fills `data`.
 * @param {Uint8Array} data
 * @param {number} [tag]
 * @returns {Node}
 */
export function element(data, tag) {
  const [node, rest] = take(data);
  if (rest.length || (tag !== undefined && node.tag !== tag)) throw new Malformed();
  return node;
}

/**
 * Read the elements inside a constructed one with the tag `of`; with `tags`, exactly these in this order.
 * @param {Node} node
 * @param {number[]} [tags]
 * @param {number} [of]
 * @returns {Node[]}
 */
export function children(node, tags, of = SEQUENCE) {
  if (node.tag !== of) throw new Malformed();
  const found = [];
  let rest = node.content;
  while (rest.length) {
    const [child, after] = take(rest);
    found.push(child);
    rest = after;
  }
  const other = tags && (found.length !== tags.length || found.some((child, at) => child.tag !== tags[at]));
  if (other) throw new Malformed();
  return found;
}

/**
 * Return the encoding of content under a tag.
 * @param {number} tag
 * @param {Uint8Array} content
 * @returns {Uint8Array}
 */
export function tlv(tag, content) {
  const length = [];
  if (content.length < LONG_FORM) length.push(content.length);
  else {
    for (let rest = content.length; rest; rest >>>= 8) length.unshift(rest & 0xff);
    length.unshift(LONG_FORM | length.length);
  }
  const out = new Uint8Array(1 + length.length + content.length);
  out[0] = tag;
  out.set(length, 1);
  out.set(content, 1 + length.length);
  return out;
}

/**
 * Read a non-negative INTEGER in its shortest form.
 * @param {Node} node
 * @returns {bigint}
 */
export function integer(node) {
  const [first, second] = node.content;
  const needless = first === 0 && node.content.length > 1 && second < 0x80;
  if (node.tag !== INTEGER || !node.content.length || first >= 0x80 || needless) throw new Malformed();
  return BigInt(`0x${hex(node.content)}`);
}

/**
 * Read an OBJECT IDENTIFIER in its shortest form as a dotted name.
 * @param {Node} node
 * @returns {string}
 */
export function oid(node) {
  const arcs = [];
  let value = 0n;
  let fresh = true;
  for (const byte of node.content) {
    if (fresh && byte === 0x80) throw new Malformed();
    value = (value << 7n) | BigInt(byte & 0x7f);
    fresh = byte < 0x80;
    if (fresh) {
      arcs.push(value);
      value = 0n;
    }
  }
  if (node.tag !== OID || !fresh || !arcs.length) throw new Malformed();
  const top = arcs[0] < 80n ? arcs[0] / 40n : 2n;
  return [top, arcs[0] - 40n * top, ...arcs.slice(1)].join(".");
}

/**
 * Read a GeneralizedTime in UTC, at most six decimals without trailing zeros (X.690 11.7), or a UTCTime.
 * @param {Node} node
 * @returns {bigint} microseconds since 1970
 */
export function time(node) {
  const text = String.fromCharCode(...node.content);
  const match = FORMS[node.tag]?.exec(text);
  if (!match || match[7]?.endsWith("0")) throw new Malformed();
  const parts = match.slice(1, 7).map(Number);
  if (node.tag === UTC_TIME) parts[0] += parts[0] < 50 ? 2000 : 1900; // RFC 5280 4.1.2.5.1
  const found = moment.of(parts, BigInt((match[7] ?? "").padEnd(6, "0")));
  if (found === null) throw new Malformed();
  return found;
}

/**
 * Tell whether two elements are the same bytes.
 * @param {Node} left
 * @param {Node} right
 * @returns {boolean}
 */
export function same(left, right) {
  return equal(left.raw, right.raw);
}

/** @type {Record<number, RegExp>} */
const FORMS = {
  [UTC_TIME]: /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/,
  [GENERALIZED_TIME]: /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6}))?Z$/,
};

/**
 * @param {Uint8Array} data
 * @returns {[Node, Uint8Array]}
 */
function take(data) {
  if (data.length < 2 || (data[0] & HIGH_TAG) === HIGH_TAG) throw new Malformed();
  let size = data[1];
  let start = 2;
  if (size >= LONG_FORM) {
    const count = size - LONG_FORM;
    start += count;
    if (count < 1 || count > MAX_LENGTH_BYTES || data.length < start) throw new Malformed();
    size = data.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0);
    if (data[2] === 0 || size < LONG_FORM) throw new Malformed();
  }
  const end = start + size;
  if (end > data.length) throw new Malformed();
  return [{ tag: data[0], content: data.subarray(start, end), raw: data.subarray(0, end) }, data.subarray(end)];
}
