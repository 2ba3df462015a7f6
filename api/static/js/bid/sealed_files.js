/**
 * Sealed bids in the browser's private file system (OPFS), so that they outlive the page and are never whole in memory.
 * docs/decisions/sealed-bids-lie-in-opfs.md. Sizes are in bytes.
 */
const FOLDER = "sealed-bids";

/**
 * A file that is open for writing: the FileSystemSyncAccessHandle that only Workers have.
 * @typedef {{write: (bytes: Uint8Array, options: {at: number}) => number, truncate: (size: number) => void,
 *   flush: () => void, close: () => void}} OpenFile
 */

/** @returns {boolean} whether this browser has what is needed (a Worker also needs `createSyncAccessHandle`) */
export function supported() {
  return typeof navigator.storage?.getDirectory === "function" && typeof FileSystemFileHandle === "function";
}

/** @returns {Promise<number>} how many bytes may still be stored here; browsers keep the true number to themselves */
export async function room() {
  const { quota = 0, usage = 0 } = await navigator.storage.estimate();
  return Math.max(0, quota - usage);
}

/**
 * Open a new file for writing at any place; in a Worker only.
 * @param {string} name
 * @returns {Promise<OpenFile>}
 */
export async function create(name) {
  const handle = await (await folder()).getFileHandle(name, { create: true });
  const file = /** @type {OpenFile} */ (await /** @type {any} */ (handle).createSyncAccessHandle());
  file.truncate(0);
  return file;
}

/** @param {string} name @returns {Promise<File | null>} the file as it lies there, read as it is asked for */
export async function find(name) {
  try {
    return await (await (await folder()).getFileHandle(name)).getFile();
  } catch {
    return null;
  }
}

/** @param {string} name */
export async function remove(name) {
  await (await folder()).removeEntry(name).catch(() => undefined);
}

/** Remove what no record names any more: files of a sealing that was broken off. @param {Set<string>} known */
export async function sweep(known) {
  for await (const name of (await folder()).keys()) if (!known.has(name)) await remove(name);
}

async function folder() {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
}
