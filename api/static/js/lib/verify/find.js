/**
 * What can be verified among the files that somebody chose: the table of docs/spec/verify.md.
 *
 * A zip is looked into as if it were a folder of its name; a tar is a package; a text may be a receipt's QR code.
 */

import { Refusal } from "../refusal.js";
import { FORMAT as BUNDLE } from "./bundle.js";
import { FORMAT as DRAW } from "./draw.js";
import { FORMAT as RECEIPT } from "./receipt.js";
import { PREFIX } from "./receipt_code.js";
import { below, bytesOf } from "./source.js";
import * as tar from "./tar.js";
import * as zip from "./zip.js";

const MAX_CODE = 1 << 14; // a QR code holds 4,296 characters
export const MAX_TRANSCRIPT = 64 << 20;
const PARENTS = 4;
/** @type {Record<string, Sort>} */
const FORMATS = { [DRAW]: "draw", "ggzy/key-transcript/v1": "key", [RECEIPT]: "receipt", [BUNDLE]: "bundle" };

/** @typedef {"receipt" | "draw" | "key" | "package" | "log" | "bundle"} Sort */

/**
 * One thing to verify: its sort, the path of its file or folder for people, all files around it and where it stands
 * there.
 * @typedef {{sort: Sort, path: string, files: import("./source.js").Files, place: string}} Artefact
 */

/**
 * Return everything that can be verified; refusals `verify.nothing`, `verify.bad_zip`, `package.bad_tar`.
 * @param {import("./source.js").Files} files
 * @returns {Promise<Artefact[]>}
 */
export async function find(files) {
  const found = await findIn(files, "");
  if (!found.length) throw new Refusal("verify.nothing", { path: [...files.keys()][0] ?? "" });
  return found;
}

/**
 * Return the first of these names beside an artefact or in four folders above it.
 * @param {Artefact} artefact
 * @param {string[]} names
 * @returns {Promise<string | null>}
 */
export async function beside({ files, place }, names) {
  const folders = [place];
  for (let at = 0; at < PARENTS && folders[at]; at += 1) folders.push(folderOf(folders[at]));
  for (const folder of folders) {
    for (const name of names) {
      const blob = files.get(folder ? `${folder}/${name}` : name);
      if (blob && blob.size <= 1 << 20) return new TextDecoder().decode(await bytesOf(blob));
    }
  }
  return null;
}

/**
 * @param {import("./source.js").Files} files
 * @param {string} shown where these files stand, for people
 * @returns {Promise<Artefact[]>}
 */
async function findIn(files, shown) {
  const taken = wholes(files);
  const found = taken.map(({ sort, place }) => ({ sort, files, place, path: shown + place }));
  for (const [path, blob] of [...files].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (taken.some(({ place }) => !place || path.startsWith(`${place}/`))) continue;
    if (path.endsWith(".zip")) found.push(...(await findIn(await zip.unpack(blob), `${shown}${path}/`)));
    else if (path.endsWith(".tar"))
      found.push({ sort: "package", files: await tar.unpack(blob), place: "", path: shown + path });
    else if (await isCode(path, blob))
      found.push({ sort: "receipt", files, place: path, path: shown + path });
    else {
      const sort = await sortOf(path, blob);
      if (sort) found.push({ sort, files, place: path, path: shown + path });
    }
  }
  return found;
}

/** @param {string} path @param {Blob} blob */
async function isCode(path, blob) {
  return path.endsWith(".txt") && blob.size <= MAX_CODE && (await blob.slice(0, PREFIX.length).text()) === PREFIX;
}

/** Folders that are one thing as a whole: bags and logs. @param {import("./source.js").Files} files */
function wholes(files) {
  /** @type {{sort: Sort, place: string}[]} */
  const found = [];
  for (const path of files.keys()) {
    const [name, folder] = [path.split("/").at(-1), folderOf(path)];
    if (name === "bagit.txt") found.push({ sort: "package", place: folder });
    const keyed = name === "checkpoint" && files.has(joined(folder, "vkey"));
    if (keyed && below(files, joined(folder, "tile")).size) found.push({ sort: "log", place: folder });
  }
  const bags = found.filter(({ sort }) => sort === "package");
  const inside = (/** @type {string} */ place) =>
    bags.some((bag) => place !== bag.place && place.startsWith(bag.place && `${bag.place}/`));
  return found.filter(({ place }) => !inside(place));
}

/** @param {string} path @param {Blob} blob @returns {Promise<Sort | null>} */
async function sortOf(path, blob) {
  const [name, folder] = [path.split("/").at(-1) ?? "", folderOf(path).split("/").at(-1)];
  if (name === "receipt.json") return "receipt";
  if (!name.endsWith(".json") || blob.size > MAX_TRANSCRIPT) return null;
  const format = await formatOf(blob);
  // A transcript that was tampered with must not pass by being overlooked: its name counts as well.
  if (!FORMATS[format] && name === "transcript.json") return folder === "draw" ? "draw" : "key";
  return FORMATS[format] ?? null;
}

/** @param {Blob} blob */
async function formatOf(blob) {
  try {
    return String(JSON.parse(new TextDecoder().decode(await bytesOf(blob)))?.format);
  } catch {
    return "";
  }
}

/** @param {string} path @returns {string} of the folder around it, "" for the top */
export function folderOf(path) {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** @param {string} folder @param {string} name */
function joined(folder, name) {
  return folder ? `${folder}/${name}` : name;
}
