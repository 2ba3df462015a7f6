/**
 * A custodian's complaint that a dealer sent a share that does not fit, with evidence that anybody can check.
 *
 * The same bytes as bidding/complaint.py; docs/spec/opening-key.md, "Complaints".
 */
import { attempt } from "./attempt.js";
import { unhex, hex } from "./bytes.js";
import * as keybox from "./keybox.js";
import * as keymaking from "./keymaking.js";
import * as keysetup from "./keysetup.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";
import * as signed from "./signed.js";

const FORMAT = "ggzy/key-complaint/v1";
const MAX_BYTES = 4 << 10;

const INDEX = shape.whole(1, keysetup.MAX_CUSTODIANS);
const COMPLAINT = shape.object({
  format: shape.oneOf(FORMAT),
  setup: shape.hash,
  custodian: INDEX,
  dealer: INDEX,
  deal: shape.hash,
  shared: shape.hash,
  proof: shape.pair,
});

/** @typedef {import("./keysetup.js").Setup} Setup */
/** @typedef {{setup: string, custodian: number, dealer: number, deal: string, shared: string, proof: string}} Complaint */

/**
 * Return the signed complaint about a deal, to be written after `keymaking.receive` threw `keymaking.bad_share`.
 * @param {Setup} setup
 * @param {import("./signed.js").Device} device
 * @param {Uint8Array} deal
 * @param {(size: number) => Uint8Array} random
 */
export function write(setup, device, deal, random) {
  const custodian = keysetup.indexOf(setup, device.publicKey);
  const checked = keymaking.checkDeal(setup, deal);
  const sides = keymaking.pair(setup, unhex(checked.deal.ephemeral), checked.deal.dealer, custodian);
  const { shared, proof } = keybox.reveal(sides, device, random);
  const fields = {
    format: FORMAT,
    setup: keysetup.digest(setup),
    custodian,
    dealer: checked.deal.dealer,
    deal: checked.digest,
    shared: hex(shared),
    proof: hex(proof),
  };
  return signed.write(fields, device);
}

/**
 * Return the complaint if it proves that the dealer lied in this deal.
 *
 * Throws `complaint.malformed`, `keymaking.wrong_setup`, `complaint.bad_signature`, or `complaint.false` naming who
 * complained.
 * @param {Setup} setup
 * @param {Uint8Array} deal
 * @param {Uint8Array} data
 */
export function check(setup, deal, data) {
  const message = attempt("complaint.malformed", {}, () => signed.read(data, FORMAT, MAX_BYTES));
  if (!COMPLAINT(message.fields)) throw new Refusal("complaint.malformed");
  const said = /** @type {Complaint} */ (message.fields);
  if (said.setup !== keysetup.digest(setup)) throw new Refusal("keymaking.wrong_setup");
  const named = { custodian: said.custodian };
  const key = keysetup.deviceKey(setup, said.custodian);
  attempt("complaint.bad_signature", named, () => signed.verify(message, key));
  const checked = keymaking.checkDeal(setup, deal);
  const same = checked.digest === said.deal && checked.deal.dealer === said.dealer;
  if (!same || !proves(setup, checked.deal, said)) throw new Refusal("complaint.false", named);
  return said;
}

function proves(/** @type {Setup} */ setup, /** @type {keymaking.Deal} */ item, /** @type {Complaint} */ said) {
  const sides = keymaking.pair(setup, unhex(item.ephemeral), item.dealer, said.custodian);
  const shared = unhex(said.shared);
  try {
    keybox.checkRevealed(sides, shared, unhex(said.proof));
  } catch {
    return false;
  }
  let plaintext;
  try {
    plaintext = keybox.openWith(sides, shared, unhex(item.boxes[said.custodian - 1]));
  } catch {
    return true;
  }
  return keymaking.misfit(item, said.custodian, plaintext);
}
