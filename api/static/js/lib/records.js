/**
 * STREAM: a long plaintext in authenticated records of 64 KiB (docs/spec/sealing.md, section 6).
 *
 * Record i is sealed under the nonce counter(i) ‖ last, so that none can be dropped, swapped, repeated or added.
 * Suite 1 is WebCrypto's AES-GCM, suite 2 libsodium's XChaCha20-Poly1305 for machines without AES instructions.
 */
import { bigEndian, concat, unshared } from "./bytes.js";
import { AES_256_GCM, RECORD_SIZE } from "./header.js";
import { Refusal } from "./refusal.js";
import { sodium } from "./sodium.js";

const TAG_SIZE = 16;
export const SEALED_SIZE = RECORD_SIZE + TAG_SIZE;

/**
 * @typedef {object} Cipher seals and opens single records under one payload key
 * @property {(index: number, last: boolean, record: Uint8Array) => Promise<Uint8Array>} seal
 * @property {(index: number, last: boolean, sealed: Uint8Array) => Promise<Uint8Array>} open `bid.bad_record`
 */

/** @param {number} length ≥ 1 of the plaintext @returns {number} how many records it takes */
export function recordCount(length) {
  return Math.ceil(length / RECORD_SIZE);
}

/** @param {number} length ≥ 1 of the plaintext @returns {number} the ciphertext's length */
export function sealedLength(length) {
  return length + TAG_SIZE * recordCount(length);
}

/**
 * @param {1 | 2} suite
 * @param {Uint8Array} key 32 bytes
 * @returns {Promise<Cipher>}
 */
export async function cipher(suite, key) {
  return suite === AES_256_GCM ? aesGcm(key) : xChaCha(key);
}

/**
 * Seal a block of whole records (but for the end of the plaintext); the records are sealed at the same time.
 * @param {Cipher} records
 * @param {Uint8Array} block
 * @param {number} first index of the block's first record
 * @param {number} count of all records of the plaintext
 * @returns {Promise<Uint8Array[]>}
 */
export function sealBlock(records, block, first, count) {
  const sealed = [];
  for (let place = 0, index = first; place < block.length; place += RECORD_SIZE, index += 1) {
    sealed.push(records.seal(index, index === count - 1, block.subarray(place, place + RECORD_SIZE)));
  }
  return Promise.all(sealed);
}

/**
 * Open a block of whole sealed records.
 * @param {Cipher} records
 * @param {Uint8Array} block
 * @param {number} first index of the block's first record
 * @param {number} count of all records
 * @returns {Promise<Uint8Array[]>}
 * @throws {Refusal} `bid.bad_record`
 */
export function openBlock(records, block, first, count) {
  const opened = [];
  for (let place = 0, index = first; place < block.length; place += SEALED_SIZE, index += 1) {
    opened.push(records.open(index, index === count - 1, block.subarray(place, place + SEALED_SIZE)));
  }
  return Promise.all(opened);
}

/** Suite 1: nonce = 11-byte big-endian counter ‖ last (1 or 0). @param {Uint8Array} raw @returns {Promise<Cipher>} */
async function aesGcm(raw) {
  const key = await crypto.subtle.importKey("raw", unshared(raw), "AES-GCM", false, ["encrypt", "decrypt"]);
  /** @type {(index: number, last: boolean) => AesGcmParams} */
  const settings = (index, last) => ({ name: "AES-GCM", iv: unshared(nonce(index, last, 11)) });
  return {
    seal: async (index, last, record) =>
      new Uint8Array(await crypto.subtle.encrypt(settings(index, last), key, unshared(record))),
    open: async (index, last, sealed) => {
      try {
        return new Uint8Array(await crypto.subtle.decrypt(settings(index, last), key, unshared(sealed)));
      } catch {
        throw new Refusal("bid.bad_record", { record: index });
      }
    },
  };
}

/** Suite 2: nonce = 23-byte big-endian counter ‖ last (1 or 0). @param {Uint8Array} raw @returns {Cipher} */
function xChaCha(raw) {
  const key = raw.slice(); // whoever gave it wipes theirs
  return {
    seal: async (index, last, record) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(record, null, null, nonce(index, last, 23), key),
    open: async (index, last, sealed) => {
      try {
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, null, nonce(index, last, 23), key);
      } catch {
        throw new Refusal("bid.bad_record", { record: index });
      }
    },
  };
}

/** @param {number} index @param {boolean} last @param {number} counterSize */
function nonce(index, last, counterSize) {
  return concat(bigEndian(index, counterSize), new Uint8Array([last ? 1 : 0]));
}
