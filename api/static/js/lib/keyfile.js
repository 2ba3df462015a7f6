/**
 * The key file: named secrets under a passphrase (docs/spec/keyfile.md), the same file as the command line's.
 *
 * Argon2id takes a good part of a second and 64 MiB: call this in a Worker where a page must stay alive.
 * libsodium must be `ready`.
 */
import { attempt } from "./attempt.js";
import { hex, unhex, utf8 } from "./bytes.js";
import { decode, encode } from "./canonical.js";
import { Refusal, require } from "./refusal.js";
import * as shape from "./shape.js";
import { deviceOf } from "./signed.js";
import { randomBytes, sodium } from "./sodium.js";

const FORMAT = "ggzy/keyfile/v1";
export const DEVICE_SEED = "device-seed";
export const BIDDER_SECRET = "bidder-secret";
/** What argon2id costs: `memory` in KiB, `passes` over it. */
export const STRENGTH = Object.freeze({ memory: 64 << 10, passes: 4 });
const MAX_FILE = 1 << 20;

const CONTENT_FORMAT = "ggzy/keyfile-content/v1";
const MAX_SECRETS = 500;
const NAME = /^[a-z0-9][a-z0-9:._-]{0,127}$/;
const SECRET = shape.matching(/^([0-9a-f]{2}){1,65536}$/);
const FILE = shape.object({
  format: shape.oneOf(FORMAT),
  kdf: shape.object({
    name: shape.oneOf("argon2id"),
    memory: shape.whole(8 << 10, 1 << 20),
    passes: shape.whole(1, 16),
    salt: shape.matching(/^[0-9a-f]{32}$/),
  }),
  nonce: shape.matching(/^[0-9a-f]{48}$/),
  sealed: shape.matching(/^([0-9a-f]{2}){16,}$/),
});
const CONTENT = shape.object({
  format: shape.oneOf(CONTENT_FORMAT),
  secrets: (value) => {
    const entries = shape.record(value) ? Object.entries(/** @type {object} */ (value)) : null;
    return entries !== null && entries.length <= MAX_SECRETS && entries.every(([name, one]) => NAME.test(name) && SECRET(one));
  },
});
const EMPTY = "00".repeat(16);

/** @typedef {Map<string, Uint8Array>} Secrets by name, such as `device-seed` */
/** @typedef {{name: string, memory: number, passes: number, salt: string}} Kdf */
/** @typedef {{format: string, kdf: Kdf, nonce: string, sealed: string}} KeyFile as it is written; byte strings in hex */

/**
 * A new person's secrets: the device's seed and the bidder's secret, 32 bytes each.
 * @param {(size: number) => Uint8Array} [random]
 * @returns {Secrets}
 */
export function create(random = randomBytes) {
  return new Map([
    [DEVICE_SEED, random(32)],
    [BIDDER_SECRET, random(32)],
  ]);
}

/** @param {Secrets} secrets @param {string} name @returns {Uint8Array} @throws {Refusal} `keyfile.no_secret` */
export function secretOf(secrets, name) {
  const value = secrets.get(name);
  if (value === undefined) throw new Refusal("keyfile.no_secret", { name });
  return value;
}

/** @param {Secrets} secrets @returns {import("./signed.js").Device} the device's Ed25519 key */
export function deviceKey(secrets) {
  return deviceOf(secretOf(secrets, DEVICE_SEED));
}

/**
 * A copy that holds one more secret.
 * @param {Secrets} secrets
 * @param {string} name
 * @param {Uint8Array} value
 * @returns {Secrets}
 * @throws {Refusal} `keyfile.repeated_secret` if the name is taken by another value
 */
export function withSecret(secrets, name, value) {
  const known = secrets.get(name);
  require(known === undefined || hex(known) === hex(value), "keyfile.repeated_secret", { name });
  return new Map([...secrets, [name, value]]);
}

/**
 * @param {Secrets} secrets
 * @param {string} passphrase
 * @param {{strength?: {memory: number, passes: number}, random?: (size: number) => Uint8Array}} [options]
 * @returns {Uint8Array} the file's bytes
 * @throws {Refusal} `keyfile.bad_secret` for a name or a size that does not fit
 */
export function encrypt(secrets, passphrase, { strength = STRENGTH, random = randomBytes } = {}) {
  const shown = Object.fromEntries([...secrets].map(([name, value]) => [name, hex(value)]));
  const content = { format: CONTENT_FORMAT, secrets: shown };
  require(CONTENT(content), "keyfile.bad_secret");
  const kdf = { name: "argon2id", memory: strength.memory, passes: strength.passes, salt: hex(random(16)) };
  const head = { format: FORMAT, kdf, nonce: hex(random(24)) };
  parse(encode({ ...head, sealed: EMPTY }));
  const sealed = sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
    encode(content),
    encode(head),
    null,
    unhex(head.nonce),
    derive(kdf, passphrase),
  );
  const data = encode({ ...head, sealed: hex(sealed) });
  require(data.length <= MAX_FILE, "keyfile.bad_secret");
  return data;
}

/**
 * @param {Uint8Array} data
 * @param {string} passphrase
 * @returns {Secrets}
 * @throws {Refusal} `keyfile.malformed`, `keyfile.wrong_passphrase`, `keyfile.no_memory`
 */
export function decrypt(data, passphrase) {
  const { sealed, ...head } = parse(data);
  const key = derive(head.kdf, passphrase);
  let content;
  try {
    content = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, unhex(sealed), encode(head), unhex(head.nonce), key);
  } catch {
    throw new Refusal("keyfile.wrong_passphrase");
  }
  const read = attempt("keyfile.malformed", {}, () => decode(content));
  require(CONTENT(read), "keyfile.malformed");
  const secrets = Object.entries(/** @type {Record<string, string>} */ (read.secrets));
  return new Map(secrets.map(([name, value]) => [name, unhex(value)]));
}

/**
 * What argon2id costs for this file, so that a file written again keeps its strength.
 * @param {Uint8Array} data
 * @returns {{memory: number, passes: number}}
 */
export function strengthOf(data) {
  const { memory, passes } = parse(data).kdf;
  return { memory, passes };
}

/**
 * Parameters are bounded before anything is derived: a hostile file must not eat the machine.
 * @param {Uint8Array} data
 * @returns {KeyFile}
 */
function parse(data) {
  require(data.length <= MAX_FILE, "keyfile.malformed");
  const wire = attempt("keyfile.malformed", {}, () => decode(data));
  require(FILE(wire), "keyfile.malformed");
  return wire;
}

/** @param {Kdf} kdf @param {string} passphrase @returns {Uint8Array} */
function derive(kdf, passphrase) {
  const secret = utf8(passphrase.normalize("NFC"));
  const algorithm = sodium.crypto_pwhash_ALG_ARGON2ID13;
  try {
    return sodium.crypto_pwhash(32, secret, unhex(kdf.salt), kdf.passes, kdf.memory * 1024, algorithm);
  } catch {
    throw new Refusal("keyfile.no_memory", { memory: Math.ceil((kdf.memory * 1024) / 1e6) });
  }
}
