/**
 * The transcript of a key making: what every custodian certifies, what everybody derives the opening keys from.
 *
 * The same as bidding/transcript.py; docs/spec/opening-key.md, "Transcript". `verify` needs no trust in the server.
 */
import { attempt } from "./attempt.js";
import { concat, unhex, hex, u32, utf8 } from "./bytes.js";
import * as canonical from "./canonical.js";
import { checkPoint } from "./group.js";
import * as keymaking from "./keymaking.js";
import * as keysetup from "./keysetup.js";
import * as polynomial from "./polynomial.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";
import * as signed from "./signed.js";
import { sodium } from "./sodium.js";

export const FORMAT = "ggzy/key-transcript/v1";
const CERTIFICATE = "ggzy/key-certificate/v1";
const MAX_BYTES = 2 << 20;
const MAX_CERTIFICATE = 4 << 10;
const KEY = utf8("ggzy/opening-key/v1\0");

const INDEX = shape.whole(1, keysetup.MAX_CUSTODIANS);
const DEALING = shape.object({
  dealer: INDEX,
  digest: shape.hash,
  ephemeral: shape.hash,
  ephemeral_proof: shape.pair,
  keys: shape.list(keymaking.KEY_PART),
});
const TRANSCRIPT = shape.object({
  format: shape.oneOf(FORMAT),
  setup: shape.record,
  deals: shape.list(DEALING),
  signatures: shape.list(shape.pair),
});
const CERTIFIED = shape.object({
  format: shape.oneOf(CERTIFICATE),
  setup: shape.hash,
  custodian: INDEX,
  transcript: shape.hash,
});

/** @typedef {import("./keysetup.js").Setup} Setup */
/** @typedef {import("./keymaking.js").Checked} Checked */
/**
 * @typedef {{dealer: number, digest: string, ephemeral: string, ephemeral_proof: string,
 *   keys: import("./keymaking.js").KeyPart[]}} Dealing
 */
/**
 * One key of a batch: Y, its name in sealed headers, its place, and what shares are checked against.
 * @typedef {{publicKey: Uint8Array, keyHash: Uint8Array, transcript: Uint8Array, index: number,
 *   verificationShares: Uint8Array[], threshold: number, custodians: import("./keysetup.js").Custodian[]}} OpeningKey
 */
/** A verified transcript. @typedef {{hash: Uint8Array, setup: Setup, keys: OpeningKey[]}} Transcript */

/**
 * Return this custodian's signed certificate: the hash of the transcript as its device has seen it.
 * @param {Setup} setup
 * @param {import("./keymaking.js").Received} received
 * @param {import("./signed.js").Device} device
 */
export function certify(setup, received, device) {
  return signed.write(certificate(setup, received.index, bodyHash(setup, received.deals)), device);
}

/**
 * Return the transcript's bytes with all signatures, after checking one certificate from each custodian.
 *
 * Throws `keymaking.malformed`, `keymaking.wrong_setup`, `keymaking.bad_signature`, `keymaking.transcripts_differ`,
 * `keymaking.certificates_missing`.
 * @param {Setup} setup
 * @param {Checked[]} deals
 * @param {Uint8Array[]} certificates
 */
export function finish(setup, deals, certificates) {
  const expected = bodyHash(setup, deals);
  /** @type {string[]} */
  const signatures = [];
  for (const data of certificates) {
    const [index, signature] = checkCertificate(setup, expected, data);
    signatures[index - 1] = signature;
  }
  const size = setup.custodians.length;
  if (certificates.length !== size || Object.keys(signatures).length !== size) {
    throw new Refusal("keymaking.certificates_missing");
  }
  return canonical.encode({ ...body(setup, deals), signatures });
}

/**
 * Check a whole transcript and derive its keys; needs nothing but these bytes.
 *
 * Throws `transcript.malformed`, or what the first wrong part throws under `keymaking.`. Whether it is *the*
 * transcript is decided by its hash.
 * @param {Uint8Array} data
 * @returns {Transcript}
 */
export function verify(data) {
  const fields = attempt("transcript.malformed", {}, () => signed.decode(data, FORMAT, MAX_BYTES));
  if (!TRANSCRIPT(fields)) throw new Refusal("transcript.malformed");
  const form = /** @type {{setup: unknown, deals: Dealing[], signatures: string[]}} */ (fields);
  const setup = keysetup.convert(form.setup);
  const size = setup.custodians.length;
  const ordered = form.deals.length === size && form.deals.every((one, at) => one.dealer === at + 1);
  if (!ordered || form.signatures.length !== size) throw new Refusal("transcript.malformed");
  for (const one of form.deals) {
    if (!keymaking.wellDealt(setup, one.keys)) throw new Refusal("keymaking.bad_deal", { dealer: one.dealer });
    keymaking.checkProofs(setup, one);
  }
  const hashed = hashOf({ format: FORMAT, setup, deals: form.deals });
  form.signatures.forEach((signature, at) => {
    checkSignature(setup, at + 1, signed.messageOf(certificate(setup, at + 1, hashed)), unhex(signature));
  });
  return { hash: hashed, setup, keys: derive(setup, form.deals, hashed) };
}

/**
 * Return the transcript's hash: SHA-256(format ‖ 00 ‖ canonical transcript without signatures).
 * @param {Setup} setup
 * @param {Checked[]} deals
 */
export function bodyHash(setup, deals) {
  return hashOf(body(setup, deals));
}

function derive(/** @type {Setup} */ setup, /** @type {Dealing[]} */ deals, /** @type {Uint8Array} */ hashed) {
  return Array.from({ length: setup.count }, (_, index) => {
    const total = polynomial.sumCommitments(deals.map((one) => one.keys[index].commitments.map(unhex)));
    return {
      publicKey: checkPoint(total[0]),
      keyHash: sodium.crypto_hash_sha256(concat(KEY, hashed, u32(index))),
      transcript: hashed,
      index,
      verificationShares: setup.custodians.map((one) => polynomial.evaluateCommitments(total, one.index)),
      threshold: setup.threshold,
      custodians: setup.custodians,
    };
  });
}

/**
 * Check one certificate; return its custodian's number and signature (hex).
 * @param {Setup} setup
 * @param {Uint8Array} expected
 * @param {Uint8Array} data
 */
function checkCertificate(setup, expected, data) {
  const message = attempt("keymaking.malformed", {}, () => signed.read(data, CERTIFICATE, MAX_CERTIFICATE));
  if (!CERTIFIED(message.fields)) throw new Refusal("keymaking.malformed");
  const said = /** @type {{setup: string, custodian: number, transcript: string}} */ (message.fields);
  if (said.setup !== keysetup.digest(setup)) throw new Refusal("keymaking.wrong_setup");
  checkSignature(setup, said.custodian, message.message, message.signature);
  if (said.transcript !== hex(expected)) {
    throw new Refusal("keymaking.transcripts_differ", { custodian: said.custodian });
  }
  return /** @type {const} */ ([said.custodian, hex(message.signature)]);
}

function body(/** @type {Setup} */ setup, /** @type {Checked[]} */ deals) {
  const dealings = deals.map(({ deal, digest }) => ({
    dealer: deal.dealer,
    digest,
    ephemeral: deal.ephemeral,
    ephemeral_proof: deal.ephemeral_proof,
    keys: deal.keys,
  }));
  return { format: FORMAT, setup, deals: dealings };
}

function hashOf(/** @type {Parameters<typeof signed.messageOf>[0]} */ fields) {
  return sodium.crypto_hash_sha256(signed.messageOf(fields));
}

function certificate(/** @type {Setup} */ setup, /** @type {number} */ custodian, /** @type {Uint8Array} */ hashed) {
  return { format: CERTIFICATE, setup: keysetup.digest(setup), custodian, transcript: hex(hashed) };
}

/**
 * @param {Setup} setup
 * @param {number} custodian
 * @param {Uint8Array} message
 * @param {Uint8Array} signature
 */
function checkSignature(setup, custodian, message, signature) {
  const key = keysetup.deviceKey(setup, custodian);
  attempt("keymaking.bad_signature", { custodian }, () => signed.check(message, signature, key));
}
