/**
 * A small secret sealed to a lot's opening key with a context and a release time of its own (`ggzy/sec`, version 1).
 *
 * The same bytes as bidding/sealed_secret.py; docs/spec/sealing.md, section 9. Used for the nonces of the draw.
 */
import { concat, equal, hex, integer, u16, u64, utf8 } from "./bytes.js";
import * as encapsulation from "./encapsulation.js";
import { AES_256_GCM } from "./header.js";
import { sha256 } from "./merkle.js";
import { cipher } from "./records.js";
import { Refusal } from "./refusal.js";

const SIZE = 1251;
const MAGIC = concat(utf8("ggzy/sec"), Uint8Array.of(1));
const MAX_SECRET = 1024;
const HEADER_SIZE = 113;
const LAST_MOMENT = 253402300799999999n; // of the year 9999
const NAME = "secret";
const HASH = utf8("ggzy/secret/v1\0");
const CONTEXT = utf8("ggzy/secret-context/v1\0");

/**
 * What was parsed; `context` and `key` are hashes, `release` microseconds, `headerHash` what proof and keys are bound to.
 * @typedef {{context: Uint8Array, release: bigint, key: Uint8Array, point: Uint8Array, proof: Uint8Array,
 *   commitment: Uint8Array, headerHash: Uint8Array}} SealedSecret
 */

/**
 * Seal up to 1 KiB to an opening key; `context` says for what, custodians open it from `release` on.
 * Refusals: `secret.too_large`, `bid.bad_opening_key`.
 * @param {Uint8Array} secret
 * @param {{publicKey: Uint8Array, keyHash: Uint8Array}} key
 * @param {{context: Uint8Array, release: bigint}} terms
 * @param {(size: number) => Uint8Array} random
 * @returns {Promise<Uint8Array>}
 */
export async function seal(secret, key, { context, release }, random) {
  if (secret.length > MAX_SECRET) throw new Refusal("secret.too_large", { limit: MAX_SECRET });
  const fresh = encapsulation.encapsulate(key.publicKey, random);
  const header = concat(MAGIC, contextHash(context), u64(release), key.keyHash, fresh.point);
  const headerHash = sha256(concat(HASH, header));
  const plain = concat(u16(secret.length), secret, new Uint8Array(MAX_SECRET - secret.length));
  const envelope = sealedLike(fresh.point);
  const { key: payloadKey, preamble } = encapsulation.bind(envelope, headerHash, fresh, new Uint8Array(), random);
  const records = await cipher(AES_256_GCM, payloadKey);
  return concat(header, preamble.proof, preamble.commitment, await records.seal(0, true, plain));
}

/**
 * Read a sealed secret strictly; `secret.malformed`.
 * @param {Uint8Array} data
 * @returns {SealedSecret}
 */
export function parse(data) {
  const release = integer(data.slice(41, 49));
  if (data.length !== SIZE || !equal(data.subarray(0, 9), MAGIC) || release > LAST_MOMENT) {
    throw new Refusal("secret.malformed");
  }
  return {
    context: data.slice(9, 41),
    release,
    key: data.slice(49, 81),
    point: data.slice(81, 113),
    proof: data.slice(113, 177),
    commitment: data.slice(177, 209),
    headerHash: sha256(concat(HASH, data.subarray(0, HEADER_SIZE))),
  };
}

/**
 * Accept a sealed secret only for this opening key (hash, hex), context and release time, with a valid proof.
 *
 * No share may be computed before this. Refusals: `secret.other_key`, `secret.other_context`, `secret.other_release`,
 * `bid.bad_point`, `bid.bad_proof`.
 * @param {SealedSecret} sealed
 * @param {{key: string, context: Uint8Array, release: bigint}} expected
 */
export function check(sealed, { key, context, release }) {
  if (hex(sealed.key) !== key) throw new Refusal("secret.other_key");
  if (!equal(sealed.context, contextHash(context))) throw new Refusal("secret.other_context");
  if (sealed.release !== release) throw new Refusal("secret.other_release");
  encapsulation.verify(sealedLike(sealed.point), sealed.headerHash, { proof: sealed.proof, commitment: sealed.commitment, wrap: null });
}

/** @param {Uint8Array} point U @returns {encapsulation.Header} */
function sealedLike(point) {
  return { policy: "quorum", kind: NAME, point };
}

function contextHash(/** @type {Uint8Array} */ context) {
  return sha256(concat(CONTEXT, context));
}
