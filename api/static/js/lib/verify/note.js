/**
 * Signed notes (C2SP signed-note) with Ed25519, their keys, and the checkpoints that they carry (C2SP tlog-checkpoint).
 *
 * The same as archive/note.py and archive/checkpoint.py; a parser takes only what it would write itself. Cosignatures
 * of witnesses are lines of other keys here: passed over, as the format demands. libsodium must be `ready`.
 */

import { concat, equal, hex, text as strictText, unbase64, utf8 } from "../bytes.js";
import { sha256 } from "../merkle.js";
import { Refusal } from "../refusal.js";
import { sodium } from "../sodium.js";
import { reading } from "./strict.js";

const ED25519 = 0x01;
const COSIGNATURE = 0x04;
const MAX_NOTE = 1 << 16;
const MAX_SIGNATURES = 64;
const MAX_NAME = 255;
const ID_SIZE = 4;
const KEY_SIZE = 32;
const VKEY = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/;
const LINE = /^— (\S+) ([A-Za-z0-9+/]+=*)$/;
const CHECKPOINT = /^([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n$/;
const CONTROL = /[\0-\x09\x0b-\x1f]/;

/**
 * A verifier's key: name (the log's origin), signature type, 32 public bytes, the text form and the 4-byte id.
 * @typedef {{name: string, type: number, public: Uint8Array, vkey: string, id: Uint8Array}} Key
 */

/** @typedef {{name: string, keyId: Uint8Array, value: Uint8Array}} Signature */

/**
 * A parsed note: the signed text (ending in a line feed) and its signature lines; not yet verified.
 * @typedef {{text: string, signatures: Signature[]}} Note
 */

/**
 * The head of a log: origin, number of leaves, 32-byte root.
 * @typedef {{origin: string, size: number, root: Uint8Array}} Checkpoint
 */

/**
 * Return the text of UTF-8 bytes, or of a well-formed string; a refusal with this code for anything else.
 * @param {Uint8Array | string} data
 * @param {string} code
 * @returns {string}
 */
export function textOf(data, code) {
  if (typeof data !== "string") return reading(code, () => strictText(data));
  if (!data.isWellFormed()) throw new Refusal(code);
  return data;
}

/**
 * Read a verifier's key strictly; refusal `note.malformed`.
 * @param {string} vkey
 * @returns {Key}
 */
export function parseKey(vkey) {
  const match = VKEY.exec(vkey);
  if (!match) throw malformed();
  const material = unbased(match[3]);
  if (material.length !== 1 + KEY_SIZE || ![ED25519, COSIGNATURE].includes(material[0])) throw malformed();
  const name = checkedName(match[1]);
  const id = sha256(concat(utf8(`${name}\n`), material)).subarray(0, ID_SIZE);
  if (hex(id) !== match[2]) throw malformed();
  return { name, type: material[0], public: material.subarray(1), vkey, id };
}

/**
 * Read a signed note strictly, without verifying it; refusal `note.malformed`.
 * @param {Uint8Array | string} data
 * @returns {Note}
 */
export function parse(data) {
  const note = textOf(data, "note.malformed");
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0 || !note.endsWith("\n") || CONTROL.test(note) || utf8(note).length > MAX_NOTE) throw malformed();
  const lines = note.slice(blank + 2).split("\n").slice(0, -1);
  if (!lines.length || lines.length > MAX_SIGNATURES) throw malformed();
  return { text: note.slice(0, blank + 1), signatures: lines.map(parseLine) };
}

/**
 * Check that the key signed the note; refusal `note.wrong_signature`.
 * @param {Note} note
 * @param {Key} key
 */
export function verify(note, key) {
  const own = note.signatures.filter((line) => line.name === key.name && equal(line.keyId, key.id));
  const message = utf8(note.text);
  const right = own.every(
    ({ value }) =>
      key.type === ED25519 &&
      value.length === sodium.crypto_sign_BYTES &&
      sodium.crypto_sign_verify_detached(value, message, key.public),
  );
  if (!own.length || !right) throw new Refusal("note.wrong_signature");
}

/**
 * Read the three lines of a checkpoint strictly; refusal `checkpoint.malformed`.
 * @param {string} text
 * @returns {Checkpoint}
 */
export function parseCheckpoint(text) {
  const match = CHECKPOINT.exec(text);
  const size = Number(match?.[2]);
  if (!match || !Number.isSafeInteger(size)) throw new Refusal("checkpoint.malformed");
  return { origin: match[1], size, root: reading("checkpoint.malformed", () => unbase64(match[3])) };
}

/**
 * Check a signed checkpoint against the log's key.
 * Refusals: `note.malformed`, `note.wrong_signature`, `checkpoint.malformed`, `checkpoint.wrong_origin`.
 * @param {Uint8Array | string} data
 * @param {Key} key
 * @returns {Checkpoint}
 */
export function checkCheckpoint(data, key) {
  const note = parse(data);
  verify(note, key);
  const checkpoint = parseCheckpoint(note.text);
  if (checkpoint.origin !== key.name) throw new Refusal("checkpoint.wrong_origin");
  return checkpoint;
}

/**
 * @param {string} line
 * @returns {Signature}
 */
function parseLine(line) {
  const match = LINE.exec(line);
  if (!match) throw malformed();
  const value = unbased(match[2]);
  if (value.length <= ID_SIZE) throw malformed();
  return { name: checkedName(match[1]), keyId: value.subarray(0, ID_SIZE), value: value.subarray(ID_SIZE) };
}

/** @param {string} name */
function checkedName(name) {
  const size = [...name].length;
  if (!size || size > MAX_NAME || /[+\s\0-\x1f\x85]/.test(name)) throw malformed();
  return name;
}

/** @param {string} encoded */
function unbased(encoded) {
  return reading("note.malformed", () => unbase64(encoded));
}

function malformed() {
  return new Refusal("note.malformed");
}
