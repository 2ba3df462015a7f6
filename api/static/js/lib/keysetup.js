/**
 * What a key making begins with: who the custodians are, how many of them open, how many keys are made.
 *
 * The same as bidding/keysetup.py; docs/spec/opening-key.md, "Setup".
 */
import { equal, unhex, hex } from "./bytes.js";
import { checkPoint } from "./group.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";
import * as signed from "./signed.js";
import { sodium } from "./sodium.js";

export const FORMAT = "ggzy/key-setup/v1";
const SUITE = "ggzy-dkg(Ed25519, SHA-512, XChaCha20-Poly1305)";
export const MAX_CUSTODIANS = 7;
const MIN_THRESHOLD = 2;
const MAX_KEYS = 256;
const MAX_BYTES = 16 << 10;

const CUSTODIAN = shape.object({
  index: shape.whole(1, MAX_CUSTODIANS),
  device_key: shape.hash,
  name: shape.text(1, 200),
  role: shape.text(1, 200),
});
const SETUP = shape.object({
  format: shape.oneOf(FORMAT),
  suite: shape.oneOf(SUITE),
  ceremony: shape.identifier,
  threshold: shape.whole(MIN_THRESHOLD, MAX_CUSTODIANS - 1),
  count: shape.whole(1, MAX_KEYS),
  custodians: shape.list(CUSTODIAN, 3, MAX_CUSTODIANS),
  sandbox: shape.flag,
});

/** @typedef {{index: number, device_key: string, name: string, role: string}} Custodian */
/**
 * @typedef {{format: string, suite: string, ceremony: string, threshold: number, count: number,
 *   custodians: Custodian[], sandbox: boolean}} Setup
 */

/**
 * Parse a setup strictly; `keymaking.bad_setup`.
 * @param {Uint8Array} data
 * @returns {Setup}
 */
export function read(data) {
  try {
    return convert(signed.decode(data, FORMAT, MAX_BYTES));
  } catch {
    throw new Refusal("keymaking.bad_setup");
  }
}

/**
 * Return the setup held by a JSON object: numbers 1 … n in order, distinct device keys that are points, fewer needed
 * than there are; `keymaking.bad_setup`.
 * @param {unknown} fields
 * @returns {Setup}
 */
export function convert(fields) {
  const setup = /** @type {Setup} */ (fields);
  if (!SETUP(fields) || setup.threshold >= setup.custodians.length) throw new Refusal("keymaking.bad_setup");
  const keys = new Set(setup.custodians.map((one) => one.device_key));
  const ordered = setup.custodians.every((one, place) => one.index === place + 1);
  if (!ordered || keys.size !== setup.custodians.length) throw new Refusal("keymaking.bad_setup");
  try {
    for (const key of keys) checkPoint(unhex(key));
  } catch {
    throw new Refusal("keymaking.bad_setup");
  }
  return setup;
}

/**
 * Return the device key of a custodian; `keymaking.not_a_custodian` for a number outside.
 * @param {Setup} setup
 * @param {number} index
 */
export function deviceKey(setup, index) {
  const found = setup.custodians[index - 1];
  if (!found) throw new Refusal("keymaking.not_a_custodian");
  return unhex(found.device_key);
}

/**
 * Return the number of the custodian with this device key; `keymaking.not_a_custodian`.
 * @param {Setup} setup
 * @param {Uint8Array} key
 */
export function indexOf(setup, key) {
  const found = setup.custodians.find((one) => equal(unhex(one.device_key), key));
  if (!found) throw new Refusal("keymaking.not_a_custodian");
  return found.index;
}

/**
 * Return 16 hex digits of a device key's SHA-256 in groups, for people to read to each other.
 * @param {Uint8Array} key
 */
export function fingerprint(key) {
  return (hex(sodium.crypto_hash_sha256(key)).slice(0, 16).match(/.{4}/g) ?? []).join(" ");
}

/**
 * Return the 64 bytes that bind every proof and box to this setup: SHA-512(format ‖ 00 ‖ canonical setup).
 * @param {Setup} setup
 */
export function context(setup) {
  return remembered(setup).context;
}

/**
 * Return the hex digest by which messages name their setup: SHA-256(format ‖ 00 ‖ canonical setup).
 * @param {Setup} setup
 */
export function digest(setup) {
  return remembered(setup).digest;
}

/** @type {WeakMap<Setup, {context: Uint8Array, digest: string}>} */
const hashes = new WeakMap(); // a batch of 256 keys asks for them thousands of times

function remembered(/** @type {Setup} */ setup) {
  let found = hashes.get(setup);
  if (!found) {
    const message = signed.messageOf(setup);
    found = { context: sodium.crypto_hash_sha512(message), digest: hex(sodium.crypto_hash_sha256(message)) };
    hashes.set(setup, found);
  }
  return found;
}
