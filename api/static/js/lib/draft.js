/**
 * Drafts sealed under their writer's device key (docs/spec/client.md, section 4), so that a price that was typed lies
 * nowhere in the clear.
 *
 * key = HKDF-SHA-256(device seed, no salt, "ggzy/draft/v1" 0x00 ‖ lot); a sealed draft is a 12-byte nonce and the
 * AES-256-GCM ciphertext of the padded content, which is bound to its place. WebCrypto alone is needed.
 */
import { concat, u32, unhex, unshared, utf8 } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { Refusal } from "./refusal.js";
import { randomBytes } from "./sodium.js";

const FORMAT = "ggzy/draft/v1";
const CONTEXT = utf8(`${FORMAT}\0`);
const NONCE_SIZE = 12;
const LENGTH_SIZE = 4;
const BLOCK = 1024; // bytes; how long a price is shall not be seen either

/**
 * What a draft is bound to: the lot's id, the bidder's 统一社会信用代码, when it was saved (milliseconds since 1970).
 * @typedef {{lot: string, bidder: string, saved_at: number}} Place
 */

/**
 * Seal what can be written as canonical JSON.
 * @param {Uint8Array} seed the device's, 32 bytes
 * @param {Place} place
 * @param {unknown} content
 * @param {(size: number) => Uint8Array} [random]
 * @returns {Promise<Uint8Array>}
 */
export async function seal(seed, place, content, random = randomBytes) {
  const nonce = random(NONCE_SIZE);
  const sealed = await crypto.subtle.encrypt(how(nonce, place), await keyOf(seed, place), unshared(padded(content)));
  return concat(nonce, new Uint8Array(sealed));
}

/**
 * @param {Uint8Array} seed
 * @param {Place} place
 * @param {Uint8Array} sealed
 * @returns {Promise<any>} the content
 * @throws {Refusal} `device.bad_draft`: another device's, of another place, or changed
 */
export async function open(seed, place, sealed) {
  let plain;
  try {
    const ciphertext = unshared(sealed.subarray(NONCE_SIZE));
    plain = await crypto.subtle.decrypt(how(sealed.subarray(0, NONCE_SIZE), place), await keyOf(seed, place), ciphertext);
  } catch {
    throw new Refusal("device.bad_draft");
  }
  return decode(new Uint8Array(plain, LENGTH_SIZE, new DataView(plain).getUint32(0)));
}

/** @param {Uint8Array} seed @param {Place} place @returns {Promise<CryptoKey>} which its holder can use and not read */
async function keyOf(seed, { lot }) {
  const material = await crypto.subtle.importKey("raw", unshared(seed), "HKDF", false, ["deriveKey"]);
  const info = unshared(concat(CONTEXT, unhex(lot.replaceAll("-", ""))));
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info };
  return crypto.subtle.deriveKey(derivation, material, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** @param {Uint8Array} nonce @param {Place} place @returns {AesGcmParams} */
function how(nonce, { lot, bidder, saved_at }) {
  const bound = encode({ format: FORMAT, lot, bidder, saved_at });
  return { name: "AES-GCM", iv: unshared(nonce), additionalData: unshared(bound) };
}

/** @param {unknown} content @returns {Uint8Array} its length, its canonical bytes, zeros up to whole blocks */
function padded(content) {
  const encoded = encode(content);
  const size = LENGTH_SIZE + encoded.length;
  return concat(u32(encoded.length), encoded, new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK));
}
