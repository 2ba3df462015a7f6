/**
 * The text of a receipt's QR code: `GGZY1:` and base45 (RFC 9285) of the zlib stream of u32 length ‖ receipt.json ‖
 * receipt.tsr (docs/spec/receipt.md, section 5). The same as archive/receipt_code.py. libsodium must be `ready`.
 */

import { concat, hex, integer, utf8 } from "../bytes.js";
import { sha256 } from "../merkle.js";
import { Refusal } from "../refusal.js";

export const PREFIX = "GGZY1:";
const MAX_BYTES = 1 << 17;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/**
 * Return the files of the receipt that a scanned text holds, the digest computed anew; refusal `receipt.malformed`.
 * @param {string} text
 * @returns {Promise<import("./receipt.js").Files>}
 */
export async function read(text) {
  if (!text.startsWith(PREFIX)) throw malformed();
  const data = await inflated(base45(text.slice(PREFIX.length)));
  const end = 4 + Number(integer(data.subarray(0, 4)));
  const [content, token] = [data.slice(4, end), data.slice(end)];
  if (data.length < end || !token.length) throw malformed();
  return { content, digest: utf8(`${hex(sha256(content))}\n`), token, proof: null };
}

/**
 * Read a file that holds a scanned text, in which line breaks do not count; refusal `receipt.malformed`.
 * @param {Blob} blob
 */
export async function scanned(blob) {
  return read((await blob.text()).replace(/[\r\n]/g, ""));
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function base45(text) {
  const bytes = [];
  for (let start = 0; start < text.length; start += 3) {
    const digits = [...text.slice(start, start + 3)].map((character) => ALPHABET.indexOf(character));
    const value = digits.reduceRight((sum, digit) => sum * ALPHABET.length + digit, 0);
    const size = digits.length - 1;
    if (digits.includes(-1) || size === 0 || value >= 256 ** size) throw malformed();
    bytes.push(...(size === 2 ? [value >> 8, value & 255] : [value]));
  }
  return new Uint8Array(bytes);
}

/** @param {Uint8Array<ArrayBuffer>} packed @returns {Promise<Uint8Array>} */
async function inflated(packed) {
  const parts = [];
  let length = 0;
  try {
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    for await (const part of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (stream))) {
      length += part.length;
      if (length > MAX_BYTES) throw malformed();
      parts.push(part);
    }
  } catch (error) {
    throw error instanceof TypeError ? malformed() : error;
  }
  return concat(...parts);
}

function malformed() {
  return new Refusal("receipt.malformed");
}
