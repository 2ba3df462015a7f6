/**
 * A zip (PKWARE APPNOTE), read by its central directory: stored members are slices, deflated ones are inflated.
 *
 * Only what people pack receipts and trail bundles into: no encryption, no other methods, no second volume. An inflated
 * member is held in memory, so it is limited; larger things are chosen as a folder. Refusal `verify.bad_zip`.
 */

import { Refusal } from "../refusal.js";
import { bytesOf } from "./source.js";

const END = 0x06054b50;
const END_SIZE = 22;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_SIZE = 20;
const ZIP64_END = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const LOCAL_SIZE = 30;
const ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;
const UNKNOWN = 0xffffffff;
const MAX_COMMENT = 0xffff;
const MAX_DIRECTORY = 64 << 20;
const MAX_INFLATED = 512 << 20;
const MAX_FILES = 100_000;

/**
 * Return the files of a zip by path; folders are left out.
 * @param {Blob} blob
 * @returns {Promise<import("./source.js").Files>}
 */
export async function unpack(blob) {
  const { count, begin, size } = await directoryOf(blob);
  if (size > MAX_DIRECTORY || count > MAX_FILES || begin + size > blob.size) throw bad();
  const directory = view(await bytesOf(blob.slice(begin, begin + size)));
  const files = new Map();
  for (let at = 0, number = 0; number < count; number += 1) {
    const member = memberAt(directory, at);
    at = member.next;
    if (member.name.endsWith("/")) continue;
    if (files.has(member.name) || !isSafe(member.name)) throw bad();
    files.set(member.name, await contentOf(blob, member));
  }
  return files;
}

/** @typedef {{name: string, method: number, packed: number, size: number, place: number, next: number}} Member */

/** @param {Blob} blob */
async function directoryOf(blob) {
  const from = Math.max(0, blob.size - END_SIZE - MAX_COMMENT - ZIP64_LOCATOR_SIZE);
  const tail = view(await bytesOf(blob.slice(from)));
  for (let at = tail.byteLength - END_SIZE; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== END || tail.getUint16(at + 20, true) !== tail.byteLength - at - END_SIZE) continue;
    const locator = at - ZIP64_LOCATOR_SIZE;
    if (locator >= 0 && tail.getUint32(locator, true) === ZIP64_LOCATOR) return zip64(blob, tail, locator);
    const [size, begin] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
    return { count: tail.getUint16(at + 10, true), begin, size };
  }
  throw bad();
}

/** @param {Blob} blob @param {DataView} tail @param {number} locator */
async function zip64(blob, tail, locator) {
  const place = whole(tail, locator + 8);
  const end = view(await bytesOf(blob.slice(place, place + 56)));
  if (end.byteLength < 56 || end.getUint32(0, true) !== ZIP64_END) throw bad();
  return { count: whole(end, 32), size: whole(end, 40), begin: whole(end, 48) };
}

/**
 * @param {DataView} directory
 * @param {number} at
 * @returns {Member}
 */
function memberAt(directory, at) {
  if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== CENTRAL) throw bad();
  const [names, extras, comments] = [28, 30, 32].map((place) => directory.getUint16(at + place, true));
  const next = at + 46 + names + extras + comments;
  if (next > directory.byteLength || directory.getUint16(at + 8, true) & ENCRYPTED) throw bad();
  const [packed, size, place] = [20, 24, 42].map((field) => directory.getUint32(at + field, true));
  const named = new Uint8Array(directory.buffer, directory.byteOffset + at + 46, names);
  const [name, method] = [new TextDecoder().decode(named), directory.getUint16(at + 10, true)];
  return large({ name, method, packed, size, place, next }, directory, at + 46 + names, extras);
}

/**
 * Fill in what stands in the zip64 extra field.
 * @param {Member} member
 * @param {DataView} directory
 * @param {number} at
 * @param {number} size
 */
function large(member, directory, at, size) {
  for (const end = at + size; at + 4 <= end; at += 4 + directory.getUint16(at + 2, true)) {
    if (directory.getUint16(at, true) !== 1) continue;
    let place = at + 4;
    for (const field of /** @type {("size" | "packed" | "place")[]} */ (["size", "packed", "place"])) {
      if (member[field] !== UNKNOWN) continue;
      if (place + 8 > end) throw bad();
      member[field] = whole(directory, place);
      place += 8;
    }
  }
  return member;
}

/** @param {Blob} blob @param {Member} member */
async function contentOf(blob, { method, packed, size, place }) {
  const local = view(await bytesOf(blob.slice(place, place + LOCAL_SIZE)));
  if (local.byteLength !== LOCAL_SIZE || local.getUint32(0, true) !== LOCAL) throw bad();
  const begin = place + LOCAL_SIZE + local.getUint16(26, true) + local.getUint16(28, true);
  const content = blob.slice(begin, begin + packed);
  if (content.size !== packed || ![STORED, DEFLATED].includes(method)) throw bad();
  if (method === STORED) return content;
  if (size > MAX_INFLATED) throw new Refusal("verify.zip_too_large", { limit: Math.floor(MAX_INFLATED / 1e6) });
  return inflated(content, size);
}

/** @param {Blob} content @param {number} size */
async function inflated(content, size) {
  const parts = [];
  let length = 0;
  try {
    const stream = content.stream().pipeThrough(new DecompressionStream("deflate-raw"));
    for await (const part of /** @type {AsyncIterable<Uint8Array<ArrayBuffer>>} */ (/** @type {unknown} */ (stream))) {
      length += part.length;
      if (length > size) throw bad();
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof TypeError ? bad() : error;
  }
  if (length !== size) throw bad();
  return new Blob(parts);
}

/** @param {string} name */
function isSafe(name) {
  return !name.startsWith("/") && name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** @param {DataView} data @param {number} at */
function whole(data, at) {
  const value = at + 8 <= data.byteLength ? Number(data.getBigUint64(at, true)) : NaN;
  if (!Number.isSafeInteger(value)) throw bad();
  return value;
}

/** @param {Uint8Array} data */
function view(data) {
  return new DataView(data.buffer, data.byteOffset, data.byteLength);
}

function bad() {
  return new Refusal("verify.bad_zip");
}
