/**
 * The one IndexedDB database of this platform in a browser: key files, pinned keys, bids on their way, sealed drafts.
 *
 * Works in pages and in Workers. What is written is on disk when the promise is fulfilled.
 */
const DATABASE = "ggzy";
const VERSION = 1;
/** @type {Record<string, IDBObjectStoreParameters>} */
const STORES = {
  keyfiles: {},
  pins: {},
  pending: { keyPath: ["lot", "uscc"] },
  drafts: { keyPath: ["user", "lot", "uscc"] },
};

/** @type {Promise<IDBDatabase> | undefined} */
let opening;

/**
 * Ask one store one thing, in a transaction of its own.
 * @template T
 * @param {"keyfiles" | "pins" | "pending" | "drafts"} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} ask
 * @returns {Promise<T>}
 */
export async function within(name, mode, ask) {
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
    request.onupgradeneeded = () => {
      for (const [name, options] of Object.entries(STORES)) request.result.createObjectStore(name, options);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
