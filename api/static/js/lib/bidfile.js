/**
 * The file form of a sealed bid: magic ‖ u32 length ‖ manifest ‖ signature ‖ bodies in the manifest's order.
 * docs/spec/bid-file.md, section 4.
 */
import { concat, equal, integer, u32, utf8 } from "./bytes.js";
import { MAX_SIZE, SIGNATURE_SIZE, parse } from "./manifest.js";
import { require } from "./refusal.js";

const MAGIC = concat(utf8("ggzybid"), new Uint8Array([1]));
const FRAME = MAGIC.length + 4;

/**
 * @typedef {object} BidFile
 * @property {import("./manifest.js").Manifest} manifest
 * @property {Uint8Array} encoded the manifest's bytes
 * @property {Uint8Array} signature
 * @property {number} offset where the bodies begin
 */

/** @param {Uint8Array} encoded @param {Uint8Array} signature @returns {Uint8Array} all that stands before the bodies */
export function head(encoded, signature) {
  return concat(MAGIC, u32(encoded.length), encoded, signature);
}

/**
 * Read manifest and signature of a file and compare its size with them.
 * @param {Blob} file
 * @returns {Promise<BidFile>}
 * @throws {Refusal} `bid.not_sealed`, `bid.bad_manifest`, `bid.truncated`, `bid.extended` and those of `manifest.parse`
 */
export async function read(file) {
  const frame = await bytesOf(file, 0, FRAME);
  require(frame.length === FRAME && equal(frame.subarray(0, MAGIC.length), MAGIC), "bid.not_sealed");
  const length = Number(integer(frame.subarray(MAGIC.length)));
  require(length <= MAX_SIZE, "bid.bad_manifest");
  const offset = FRAME + length + SIGNATURE_SIZE;
  require(file.size >= offset, "bid.truncated");
  const encoded = await bytesOf(file, FRAME, FRAME + length);
  const manifest = parse(encoded);
  const expected = manifest.envelopes.reduce((sum, envelope) => sum + envelope.length, offset);
  require(file.size >= expected, "bid.truncated");
  require(file.size === expected, "bid.extended");
  return { manifest, encoded, signature: await bytesOf(file, FRAME + length, offset), offset };
}

/** @param {Blob} file @param {number} from @param {number} to */
async function bytesOf(file, from, to) {
  return new Uint8Array(await file.slice(from, to).arrayBuffer());
}
