/**
 * Bids that are sealed in this browser and not handed in yet: all that is needed to go on, and no key (IndexedDB).
 *
 * A record is written when its sealed file is whole on disk and removed when the receipt is there.
 */
const DATABASE = "ggzy-bids";
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
  return (await within("readonly", (store) => store.get([lot, uscc]))) ?? null;
}

/** @returns {Promise<Pending[]>} */
export function all() {
  return within("readonly", (store) => store.getAll());
}

/** Keep a record, in place of an earlier one of this lot and bidder. @param {Pending} record */
export async function keep(record) {
  await within("readwrite", (store) => store.put(record));
}

/** @param {Pending} record */
export async function forget({ lot, uscc }) {
  await within("readwrite", (store) => store.delete([lot, uscc]));
}

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

async function within(mode, ask) {
  opening ??= open();
  const database = await opening;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const request = ask(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ["lot", "uscc"] });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
