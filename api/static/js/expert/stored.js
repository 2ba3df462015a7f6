/** The key file that this browser keeps, encrypted as it was made (js/bid/device.js writes it); null when there is none. */

/** @returns {Promise<Uint8Array | null>} */
export async function bytesOfStored() {
  return null;
}
