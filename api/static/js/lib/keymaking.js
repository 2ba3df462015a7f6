/**
 * Making opening keys together: what a custodian's device computes, as pure functions of the messages so far.
 *
 * The same bytes as bidding/keymaking.py; docs/spec/opening-key.md. No state is kept between the rounds, and no private
 * key ever exists anywhere. Messages are Uint8Arrays of canonical JSON; `device` is an Ed25519 key pair.
 */
import { attempt } from "./attempt.js";
import { concat, unhex, hex, u32, utf8 } from "./bytes.js";
import * as group from "./group.js";
import * as keybox from "./keybox.js";
import * as keysetup from "./keysetup.js";
import * as polynomial from "./polynomial.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";
import * as signed from "./signed.js";
import { sodium } from "./sodium.js";

export const FORMAT = "ggzy/key-deal/v1";
const MAX_BYTES = 512 << 10;
const POSSESSION = utf8("ggzy/key-possession/v1\0");
const EPHEMERAL = utf8("ggzy/key-ephemeral/v1\0");

/** The shape of a dealer's public part of one key; transcripts have it too. */
export const KEY_PART = shape.object({ commitments: shape.list(shape.hash), proof: shape.pair });

const DEAL = shape.object({
  format: shape.oneOf(FORMAT),
  setup: shape.hash,
  dealer: shape.whole(1, keysetup.MAX_CUSTODIANS),
  ephemeral: shape.hash,
  ephemeral_proof: shape.pair,
  keys: shape.list(KEY_PART),
  boxes: shape.list(shape.matching(/^[0-9a-f]*$/)),
});

/** @typedef {import("./keysetup.js").Setup} Setup */
/** @typedef {{commitments: string[], proof: string}} KeyPart */
/**
 * @typedef {{format: string, setup: string, dealer: number, ephemeral: string, ephemeral_proof: string,
 *   keys: KeyPart[], boxes: string[]}} Deal
 */
/**
 * A deal that passed every public check, with the hex SHA-256 of the whole message.
 * @typedef {{deal: Deal, digest: string}} Checked
 */
/**
 * What a custodian holds after all deals fit: number, deals, and its shares x_i, one for each key.
 * @typedef {{index: number, deals: Checked[], shares: Uint8Array[]}} Received
 */

/**
 * Return this custodian's signed deal: random polynomials, their commitments, shares for every custodian.
 * @param {Setup} setup
 * @param {import("./signed.js").Device} device
 * @param {(size: number) => Uint8Array} random
 */
export function deal(setup, device, random) {
  const index = keysetup.indexOf(setup, device.publicKey);
  const ephemeral = group.randomScalar(random);
  const known = group.baseMult(ephemeral);
  const drawn = Array.from({ length: setup.count }, () => polynomial.draw(setup.threshold, random));
  const fields = {
    format: FORMAT,
    setup: keysetup.digest(setup),
    dealer: index,
    ephemeral: hex(known),
    ephemeral_proof: hex(group.proveKnowledge(ephemeral, known, ephemeralContext(setup, index), random)),
    keys: drawn.map((one, number) => part(setup, { dealer: index, ephemeral: known, number }, one, random)),
    boxes: setup.custodians.map((to) => {
      const shares = concat(...drawn.map((one) => polynomial.evaluate(one, to.index)));
      return hex(keybox.seal(pair(setup, known, index, to.index), ephemeral, shares));
    }),
  };
  return signed.write(fields, device);
}

/**
 * Check everything about a deal that anybody can: form, setup, signature, points, proofs.
 *
 * Throws `keymaking.malformed`, `keymaking.wrong_setup`, `keymaking.not_a_custodian`, and naming the dealer
 * `keymaking.bad_signature`, `keymaking.bad_deal`, `keymaking.bad_proof`.
 * @param {Setup} setup
 * @param {Uint8Array} data
 * @returns {Checked}
 */
export function checkDeal(setup, data) {
  const message = attempt("keymaking.malformed", {}, () => signed.read(data, FORMAT, MAX_BYTES));
  if (!DEAL(message.fields)) throw new Refusal("keymaking.malformed");
  const found = /** @type {Deal} */ (message.fields);
  if (found.setup !== keysetup.digest(setup)) throw new Refusal("keymaking.wrong_setup");
  const key = keysetup.deviceKey(setup, found.dealer);
  attempt("keymaking.bad_signature", { custodian: found.dealer }, () => signed.verify(message, key));
  const box = 2 * (setup.count * group.SCALAR_BYTES + keybox.TAG_BYTES);
  const right = found.boxes.length === setup.custodians.length && found.boxes.every((one) => one.length === box);
  if (!right || !wellDealt(setup, found.keys)) throw new Refusal("keymaking.bad_deal", { dealer: found.dealer });
  checkProofs(setup, found);
  return { deal: found, digest: hex(sodium.crypto_hash_sha256(data)) };
}

/**
 * Tell whether there are as many keys and commitments as the setup asks for.
 * @param {Setup} setup
 * @param {KeyPart[]} keys
 */
export function wellDealt(setup, keys) {
  return keys.length === setup.count && keys.every((one) => one.commitments.length === setup.threshold);
}

/**
 * Check a dealer's points and proofs of knowledge; `keymaking.bad_deal`, `keymaking.bad_proof`.
 * @param {Setup} setup
 * @param {{dealer: number, ephemeral: string, ephemeral_proof: string, keys: KeyPart[]}} dealing
 */
export function checkProofs(setup, dealing) {
  const { dealer, keys } = dealing;
  const ephemeral = unhex(dealing.ephemeral);
  const points = keys.map((one) => one.commitments.map(unhex));
  attempt("keymaking.bad_deal", { dealer }, () => [ephemeral, ...points.flat()].forEach(group.checkPoint));
  attempt("keymaking.bad_proof", { dealer }, () => {
    group.verifyKnowledge(ephemeral, unhex(dealing.ephemeral_proof), ephemeralContext(setup, dealer));
    keys.forEach((one, number) => {
      const bound = possessionContext(setup, { dealer, ephemeral, number }, points[number]);
      group.verifyKnowledge(points[number][0], unhex(one.proof), bound);
    });
  });
}

/**
 * Check one deal from each custodian and return them in order; what `checkDeal` throws, `keymaking.deals_missing`.
 * @param {Setup} setup
 * @param {Uint8Array[]} messages
 */
export function collect(setup, messages) {
  const deals = messages.map((message) => checkDeal(setup, message)).sort((a, b) => a.deal.dealer - b.deal.dealer);
  const whole = deals.length === setup.custodians.length && deals.every((one, at) => one.deal.dealer === at + 1);
  if (!whole) throw new Refusal("keymaking.deals_missing");
  return deals;
}

/**
 * Open and check this custodian's shares from all deals; their sums are its shares of the keys.
 *
 * Throws what `collect` does, and `keymaking.bad_share` naming the dealer; `complaint.write` then makes the evidence.
 * @param {Setup} setup
 * @param {import("./signed.js").Device} device
 * @param {Uint8Array[]} messages
 * @returns {Received}
 */
export function receive(setup, device, messages) {
  const index = keysetup.indexOf(setup, device.publicKey);
  const deals = collect(setup, messages);
  const dealt = deals.map((one) => openBox(setup, device, index, one.deal));
  const shares = dealt[0].map((_, number) => dealt.map((one) => /** @type {Uint8Array} */ (one[number])).reduce((sum, one) => group.scalarAdd(sum, one)));
  return { index, deals, shares: shares.map(group.checkScalar) };
}

/**
 * Return the public sides of the box from a dealer to a custodian.
 * @param {Setup} setup
 * @param {Uint8Array} ephemeral
 * @param {number} dealer
 * @param {number} custodian
 */
export function pair(setup, ephemeral, dealer, custodian) {
  const [from, to] = [keysetup.deviceKey(setup, dealer), keysetup.deviceKey(setup, custodian)];
  return { context: keysetup.context(setup), ephemeral, dealer: from, custodian: to };
}

/**
 * Tell whether an opened box holds a share that does not fit the dealer's commitments, whichever key it is of.
 * @param {Deal} item
 * @param {number} custodian
 * @param {Uint8Array} plaintext
 */
export function misfit(item, custodian, plaintext) {
  const points = item.keys.map((one) => one.commitments.map(unhex));
  return !cut(plaintext).every((share, number) => polynomial.fits(share, points[number], custodian));
}

/**
 * @param {Setup} setup
 * @param {import("./signed.js").Device} device
 * @param {number} index
 * @param {Deal} item
 */
function openBox(setup, device, index, item) {
  const sides = pair(setup, unhex(item.ephemeral), item.dealer, index);
  const refused = { dealer: item.dealer };
  const plaintext = attempt("keymaking.bad_share", refused, () =>
    keybox.openWith(sides, keybox.sharedPoint(sides, device), unhex(item.boxes[index - 1])),
  );
  if (misfit(item, index, plaintext)) throw new Refusal("keymaking.bad_share", refused);
  return cut(plaintext);
}

/** @typedef {{dealer: number, ephemeral: Uint8Array, number: number}} Place of one key in a dealer's message */

/**
 * @param {Setup} setup
 * @param {Place} place
 * @param {Uint8Array[]} drawn
 * @param {(size: number) => Uint8Array} random
 */
function part(setup, place, drawn, random) {
  const points = polynomial.commit(drawn);
  const proof = group.proveKnowledge(drawn[0], points[0], possessionContext(setup, place, points), random);
  return { commitments: points.map(hex), proof: hex(proof) };
}

function cut(/** @type {Uint8Array} */ plaintext) {
  const count = plaintext.length / group.SCALAR_BYTES;
  return Array.from({ length: count }, (_, at) => plaintext.slice(32 * at, 32 * at + 32));
}

/**
 * @param {Setup} setup
 * @param {Place} place
 * @param {Uint8Array[]} points
 */
function possessionContext(setup, { dealer, ephemeral, number }, points) {
  return concat(POSSESSION, keysetup.context(setup), u32(dealer), u32(number), ephemeral, ...points);
}

function ephemeralContext(/** @type {Setup} */ setup, /** @type {number} */ dealer) {
  return concat(EPHEMERAL, keysetup.context(setup), u32(dealer));
}
