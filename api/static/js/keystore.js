/**
 * Key files kept in this browser, encrypted as they are on disk, by the public key (hex) of their device.
 *
 * For every page that needs a device key and for Workers. What a browser keeps it may lose: the file that its owner has
 * saved elsewhere is the one that counts.
 */
import { within } from "./database.js";

const FILES = "keyfiles";

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
  return navigator.locks.request(`keyfile/${deviceKey}`, work);
}

/** @param {string} deviceKey */
export async function forget(deviceKey) {
  await within(FILES, "readwrite", (store) => store.delete(deviceKey));
}
