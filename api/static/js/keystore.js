/**
 * Key files kept in this browser, encrypted as they are on disk, by the public key (hex) of their device.
 *
 * One IndexedDB database for every page that needs a device key; works in pages and in Workers. What a browser keeps it
 * may lose: the file that its owner has saved elsewhere is the one that counts.
 */
const DATABASE = "ggzy";
const VERSION = 1;
const FILES = "keyfiles";
const PINS = "pins";

/**
 * Return a kept key file, or null.
 * @param {string} deviceKey
 * @returns {Promise<Uint8Array | null>}
 */
export async function kept(deviceKey) {
  return (await within(FILES, "readonly", (store) => store.get(deviceKey))) ?? null;
}

/**
 * Keep a key file in place of an earlier one of the same device; on disk when the promise is fulfilled.
 * @param {string} deviceKey
 * @param {Uint8Array} file
 */
export async function keep(deviceKey, file) {
  await within(FILES, "readwrite", (store) => store.put(file, deviceKey));
}

/**
 * Read, change and keep a device's file while no other page or Worker of this browser does.
 * @template T
 * @param {string} deviceKey
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export function alone(deviceKey, work) {
  return navigator.locks.request(`${DATABASE}/${deviceKey}`, work);
}

/** @param {string} deviceKey */
export async function forget(deviceKey) {
  await within(FILES, "readwrite", (store) => store.delete(deviceKey));
}

/** @returns {Promise<string[]>} the devices whose key files are kept here */
export async function devices() {
  return /** @type {string[]} */ (await within(FILES, "readonly", (store) => store.getAllKeys()));
}

/**
 * Return what was pinned under a name at its first use, or null.
 * @param {string} name
 * @returns {Promise<string | null>}
 */
export async function pinned(name) {
  return (await within(PINS, "readonly", (store) => store.get(name))) ?? null;
}

/**
 * Pin a value under a name.
 * @param {string} name
 * @param {string} value
 */
export async function pin(name, value) {
  await within(PINS, "readwrite", (store) => store.put(value, name));
}

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

/**
 * @param {string} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} ask
 * @returns {Promise<any>}
 */
async function within(name, mode, ask) {
  opening ??= open();
  const database = await opening;
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, mode, { durability: "strict" });
    const request = ask(transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => [FILES, PINS].forEach((name) => request.result.createObjectStore(name));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
