/**
 * A package's tar, read as slices of the file: regular files under one top folder and nothing else
 * (docs/spec/package.md).
 *
 * POSIX ustar with pax headers for long names and large files, as archive/package/tar.py writes it; other forms are
 * refused with `package.bad_tar`.
 */

import { Refusal } from "../refusal.js";
import { bytesOf } from "./source.js";

const BLOCK = 512;
const MAX_PAX = 1 << 16;
const MAX_FILES = 1_000_000;
const NAME = /^[A-Za-z0-9-]+(\/[a-z0-9][a-z0-9._-]*)+$/;
const REGULAR = ["0", "\0"];
const PAX = "x";

/**
 * Return the files of a tar by their paths below its top folder; refusal `package.bad_tar`.
 * @param {Blob} blob
 * @returns {Promise<import("./source.js").Files>}
 */
export async function unpack(blob) {
  const files = new Map();
  const tops = new Set();
  for await (const { name, content } of members(blob)) {
    const [top, ...rest] = name.split("/");
    const path = rest.join("/");
    if (!NAME.test(name) || files.has(path) || files.size >= MAX_FILES) throw bad();
    tops.add(top);
    files.set(path, content);
  }
  if (tops.size !== 1) throw bad();
  return files;
}

/**
 * @param {Blob} blob
 * @returns {AsyncGenerator<{name: string, content: Blob}>}
 */
async function* members(blob) {
  /** @type {Map<string, string>} */
  let pax = new Map();
  for (let at = 0; at < blob.size; ) {
    const header = await bytesOf(blob.slice(at, at + BLOCK));
    if (header.length !== BLOCK) throw bad();
    if (header.every((byte) => byte === 0)) return;
    checkSum(header);
    const size = Number(pax.get("size") ?? octal(header, 124, 12));
    const begin = at + BLOCK;
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
    if (!Number.isSafeInteger(size) || size < 0 || at > blob.size) throw bad();
    const type = String.fromCharCode(header[156]);
    if (type === PAX && size <= MAX_PAX) pax = records(await bytesOf(blob.slice(begin, begin + size)));
    else if (REGULAR.includes(type)) {
      yield { name: pax.get("path") ?? nameOf(header), content: blob.slice(begin, begin + size) };
      pax = new Map();
    } else throw bad();
  }
}

/**
 * Read pax records, `LENGTH name=value` and a line feed each: only paths and sizes are known here.
 * @param {Uint8Array} data
 * @returns {Map<string, string>}
 */
function records(data) {
  const found = new Map();
  let rest = latin(data);
  while (rest) {
    const match = /^(\d{1,6}) (path|size)=([^\n]*)\n/.exec(rest);
    if (!match || match[0].length !== Number(match[1])) throw bad();
    found.set(match[2], match[3]);
    rest = rest.slice(match[0].length);
  }
  return found;
}

/** @param {Uint8Array} header */
function nameOf(header) {
  const prefix = field(header, 345, 155);
  const name = field(header, 0, 100);
  return prefix ? `${prefix}/${name}` : name;
}

/** @param {Uint8Array} header */
function checkSum(header) {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (octal(header, 148, 8) !== sum || !field(header, 257, 6).startsWith("ustar")) throw bad();
}

/** @param {Uint8Array} header @param {number} at @param {number} size */
function octal(header, at, size) {
  const text = field(header, at, size).trim();
  if (!/^[0-7]+$/.test(text)) throw bad();
  return parseInt(text, 8);
}

/** @param {Uint8Array} header @param {number} at @param {number} size */
function field(header, at, size) {
  const text = latin(header.subarray(at, at + size));
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/** @param {Uint8Array} data */
function latin(data) {
  return data.reduce((text, byte) => text + String.fromCharCode(byte), "");
}

function bad() {
  return new Refusal("package.bad_tar");
}
