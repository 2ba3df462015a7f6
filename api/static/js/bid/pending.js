/**
 * Bids that are sealed in this browser and not handed in yet: all that is needed to go on, and no key (IndexedDB).
 *
 * A record is written when its sealed file is whole on disk and removed when the receipt is there.
 */
import { within } from "../database.js";

const STORE = "pending";

/**
 * @typedef {object} Pending
 * @property {string} lot
 * @property {string} uscc the bidder
 * @property {string} user whose device signed
 * @property {string} title of the lot
 * @property {string} deadline for which it was sealed
 * @property {string} file the sealed file's name in OPFS
 * @property {string} manifest canonical JSON
 * @property {string} digest SHA-256 of the manifest in hex: the bid's number
 * @property {string} signature hex
 * @property {number} offset where the bodies begin in the file
 * @property {number} size of the file in bytes
 * @property {{kind: string, length: number, parts: {root: string, size: number}[]}[]} bodies
 * @property {number} sealedAt milliseconds since 1970
 * @property {string | null} upload the session's id, once it was opened
 */

/** @param {string} lot @param {string} uscc @returns {Promise<Pending | null>} */
export async function find(lot, uscc) {
  return (await within(STORE, "readonly", (store) => store.get([lot, uscc]))) ?? null;
}

/** @returns {Promise<Pending[]>} */
export function all() {
  return within(STORE, "readonly", (store) => store.getAll());
}

/** Keep a record, in place of an earlier one of this lot and bidder. @param {Pending} record */
export async function keep(record) {
  await within(STORE, "readwrite", (store) => store.put(record));
}

/** @param {Pending} record */
export async function forget({ lot, uscc }) {
  await within(STORE, "readwrite", (store) => store.delete([lot, uscc]));
}
