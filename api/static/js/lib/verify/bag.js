/**
 * BagIt 1.0 (RFC 8493) in the one form that our packages have; what is written differently is refused.
 *
 * The same as archive/package/bag.py; docs/spec/package.md, sections 1 to 3. libsodium must be `ready`.
 */

import { equal, text as strictText, utf8 } from "../bytes.js";
import * as canonical from "../canonical.js";
import { Refusal } from "../refusal.js";
import { small } from "./source.js";
import { hasMembers, reading } from "./strict.js";

const PACKAGE = "ggzy/package/v1";
const MANIFEST = "manifest-sha256.txt";
export const TAG_MANIFEST = "tagmanifest-sha256.txt";
export const SIGNED = "manifest.note";
export const TAGS = ["bag-info.txt", "bagit.txt", SIGNED, MANIFEST];
export const MAX_TAG_FILE = 64 << 20;

const DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const METADATA_FORMAT = "ggzy/package-metadata/v1";
const LABELS = [
  "Source-Organization",
  "Bagging-Date",
  "External-Identifier",
  "Internal-Sender-Identifier",
  "Internal-Sender-Description",
  "Payload-Oxum",
  "Bag-Software-Agent",
];
// The names of DA/T 46-2009, which are data here: a metadata file has exactly these members.
const ELEMENTS = [
  "format", "聚合层次", "立档单位名称", "责任者", "电子文件号", "系统标识", "题名", "业务类型", "行政区划", "业务行为",
  "行为时间", "保管期限", "文件组合类型", "件数", "大小", "格式信息", "数字摘要算法", "日志", "演示",
]; // prettier-ignore
const MAX_FILES = 1_000_000;
const MAX_PATH = 180;
const MAX_TITLE = 200;
const PATH = /^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*){0,7}$/;
const DEVICES = /(^|\/)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|\/|$)/;
const LINE = /^([0-9a-f]{64}) {2}(.+)$/;
const PRINTABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * One file of the payload as the index lists it: path below `data/`, size in bytes, hexadecimal SHA-256.
 * @typedef {{path: string, role: string, title: string, size: number, sha256: string}} Listed
 */

/**
 * The index: the trade, whether it was played in a sandbox, every file of the payload but the index itself.
 * @typedef {{trade: string, sandbox: boolean, files: Listed[]}} Index
 */

/**
 * Check the names of all files (step 1); refusals `package.bad_name`, `package.too_many_files`.
 * @param {import("./source.js").Files} files
 */
export function checkNames(files) {
  if (files.size > MAX_FILES) throw new Refusal("package.too_many_files");
  for (const path of [...files.keys()].sort()) {
    const payload = path.startsWith("data/") && isPath(path.slice("data/".length));
    const ours = payload || path === TAG_MANIFEST || TAGS.includes(path);
    if (!ours) throw new Refusal("package.bad_name", { path: path.slice(0, 200) });
  }
}

/**
 * Return a tag file; refusals `package.missing_file`, `package.bad_manifest` when it is too large.
 * @param {import("./source.js").Files} files
 * @param {string} path
 */
export function readTag(files, path) {
  return small(files, path, MAX_TAG_FILE, new Refusal("package.missing_file", { path }), badManifest());
}

/**
 * Read a manifest strictly as path → hexadecimal digest; refusal `package.bad_manifest`.
 * @param {Uint8Array} data
 * @returns {Map<string, string>}
 */
export function readManifest(data) {
  const lines = reading("package.bad_manifest", () => strictText(data)).split("\n");
  const found = new Map();
  let before = "";
  if (lines.pop() !== "") throw badManifest();
  for (const line of lines) {
    const [, digest, path] = LINE.exec(line) ?? [];
    if (path === undefined || path <= before || /[^\0-\x7f]/.test(path)) throw badManifest();
    found.set(path, digest);
    before = path;
  }
  return found;
}

/**
 * Check declaration and bag-info; return the bag-info's values. Refusals `package.bad_declaration`, `package.bad_info`.
 * @param {Uint8Array} declaration
 * @param {Uint8Array} info
 * @returns {Map<string, string>}
 */
export function readInfo(declaration, info) {
  if (!equal(declaration, utf8(DECLARATION))) throw new Refusal("package.bad_declaration");
  const lines = reading("package.bad_info", () => strictText(info)).split("\n");
  const found = new Map(lines.slice(0, -1).map((line, at) => [LABELS[at], line.slice(`${LABELS[at]}: `.length)]));
  const same = lines.slice(0, -1).every((line, at) => line === `${LABELS[at]}: ${found.get(LABELS[at])}`);
  const filled = [...found.values()].every((value) => PRINTABLE.test(value));
  if (lines.length !== LABELS.length + 1 || lines.at(-1) !== "" || !same || !filled)
    throw new Refusal("package.bad_info");
  return found;
}

/**
 * Return the text that the log's key signs: format, trade, SHA-256 of the payload manifest.
 * @param {string} trade
 * @param {string} digest hexadecimal
 */
export function statement(trade, digest) {
  return `${PACKAGE}\n${trade}\n${digest}\n`;
}

/**
 * Read the index strictly; refusal `package.bad_index`.
 * @param {Uint8Array} data
 * @returns {Index}
 */
export function readIndex(data) {
  return reading("package.bad_index", () => {
    const value = canonical.decode(data);
    const paths = value.files.map((/** @type {Listed} */ file) => file.path);
    const right =
      hasMembers(value, ["format", "trade", "sandbox", "files"]) &&
      value.format === PACKAGE &&
      UUID.test(value.trade) &&
      typeof value.sandbox === "boolean" &&
      value.files.every(isListed) &&
      paths.every((/** @type {string} */ path, /** @type {number} */ at) => at === 0 || path > paths[at - 1]);
    if (!right) throw new Refusal("package.bad_index");
    return value;
  });
}

/**
 * Check that every element of the metadata is there and filled; refusal `package.bad_metadata`.
 * @param {Uint8Array} data
 */
export function checkMetadata(data) {
  const value = reading("package.bad_metadata", () => canonical.decode(data));
  const filled = hasMembers(value, ELEMENTS) && Object.values(value).every((one) => one !== "" && one?.length !== 0);
  if (!filled || value.format !== METADATA_FORMAT) throw new Refusal("package.bad_metadata");
}

/** @param {any} file */
function isListed(file) {
  const title = typeof file?.title === "string" ? [...file.title].length : 0;
  return (
    hasMembers(file, ["path", "role", "title", "size", "sha256"]) &&
    isPath(file.path) &&
    /^[a-z_]{1,40}$/.test(file.role) &&
    title > 0 &&
    title <= MAX_TITLE &&
    Number.isSafeInteger(file.size) &&
    file.size >= 0 &&
    /^[0-9a-f]{64}$/.test(file.sha256)
  );
}

/** @param {any} path */
function isPath(path) {
  return typeof path === "string" && path.length <= MAX_PATH && PATH.test(path) && !DEVICES.test(path);
}

function badManifest() {
  return new Refusal("package.bad_manifest");
}
