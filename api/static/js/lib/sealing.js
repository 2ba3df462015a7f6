/**
 * Sealing a bid: from forms and files to one signed file, in one pass and in flat memory.
 *
 * docs/spec/sealing.md and docs/spec/bid-file.md; given the same randomness, the same bytes as bidding/sealing.py. The
 * head of the file has a size known beforehand, so the bodies are written first and the head last. libsodium must be
 * `ready`.
 */
import { head as headOf } from "./bidfile.js";
import { wipe } from "./bytes.js";
import * as encapsulation from "./encapsulation.js";
import * as headers from "./header.js";
import * as manifests from "./manifest.js";
import { PayloadSource } from "./payload.js";
import { cipher, recordCount, sealBlock, sealedLength } from "./records.js";
import { Refusal, require } from "./refusal.js";
import { BodyHasher, bodyRoot } from "./segments.js";
import { randomBytes } from "./sodium.js";

const NO_SIGNATURE = new Uint8Array(manifests.SIGNATURE_SIZE);

/**
 * @typedef {{form: import("./form.js").Form, files: File[]}} EnvelopePlan
 * @typedef {{uscc: string, device: import("./signed.js").Device, secret: Uint8Array}} Bidder who seals; `secret` is the
 *   32-byte secret of their key file
 * @typedef {(bytes: Uint8Array, at: number) => void} Write puts bytes at a place of the file, before it returns
 * @typedef {{kind: string, length: number, parts: import("./segments.js").Part[]}} Body
 * @typedef {{manifest: Uint8Array, signature: Uint8Array, offset: number, size: number, bodies: Body[]}} Sealed `size` is
 *   that of the file in bytes, `offset` where its bodies begin
 */

/**
 * Seal one bid.
 * @param {import("./target.js").SealTarget} target
 * @param {EnvelopePlan[]} plans
 * @param {Bidder} bidder
 * @param {{write: Write, suite?: 1 | 2, previous?: Uint8Array | null, random?: (size: number) => Uint8Array,
 *   progress?: (bytes: number) => void}} how `previous` is the digest of the receipt that this bid replaces; `progress`
 *   is told the plaintext bytes of each block
 * @returns {Promise<Sealed>}
 * @throws {Refusal} `seal.missing_envelope`, `seal.unexpected_envelope`, `seal.file_changed`, those of `form` and
 *   `encapsulation`, and whatever `write` throws
 */
export async function sealBid(target, plans, bidder, how) {
  const { write, suite = headers.AES_256_GCM, previous = null, random = randomBytes, progress = () => undefined } = how;
  const sources = ordered(plans, target).map((plan) => new PayloadSource(plan.form, plan.files));
  const prepared = sources.map((source) => prepare(target, source, bidder, suite, random));
  const { tender, lot, deadline } = target;
  const { uscc, device } = bidder;
  const envelopes = prepared.map((one) => one.envelope);
  const draft = { tender, lot, bidder: uscc, deadline, previous, signer: device.publicKey, envelopes };
  const offset = headOf(manifests.encode(draft), NO_SIGNATURE).length;
  const bodies = [];
  let place = offset;
  for (const one of prepared) {
    bodies.push(await sealBody(one, place, write, progress));
    place += one.envelope.length;
  }
  const manifest = manifests.encode(draft);
  const signature = manifests.sign(manifest, device);
  write(headOf(manifest, signature), 0);
  return { manifest, signature, offset, size: place, bodies };
}

/**
 * How many bytes sealing these plans will report as progress, and how large the file will be at most.
 * @param {EnvelopePlan[]} plans
 * @returns {{plain: number, file: number}}
 * @throws {Refusal} those of `form`
 */
export function sizes(plans) {
  const lengths = plans.map((plan) => new PayloadSource(plan.form, plan.files).length);
  const file = lengths.reduce((sum, length) => sum + sealedLength(length), 2 * manifests.MAX_SIZE);
  return { plain: lengths.reduce((sum, length) => sum + length, 0), file };
}

/**
 * Return the plans in the order of the target's envelopes: each kind once, none missing.
 * @param {EnvelopePlan[]} plans
 * @param {import("./target.js").SealTarget} target
 * @returns {EnvelopePlan[]}
 */
function ordered(plans, target) {
  /** @type {Map<string, EnvelopePlan>} */
  const given = new Map();
  for (const plan of plans) {
    const { kind } = plan.form;
    const wanted = target.envelopes.some((slot) => slot.kind === kind) && !given.has(kind);
    require(wanted, "seal.unexpected_envelope", { envelope: kind });
    given.set(kind, plan);
  }
  return target.envelopes.map(({ kind }) => {
    const plan = given.get(kind);
    if (plan === undefined) throw new Refusal("seal.missing_envelope", { envelope: kind });
    return plan;
  });
}

/**
 * An envelope complete but for its root, with its plaintext and its payload key.
 * @typedef {{source: PayloadSource, key: Uint8Array, envelope: manifests.Envelope}} Prepared
 */

/**
 * @param {import("./target.js").SealTarget} target
 * @param {PayloadSource} source
 * @param {Bidder} bidder
 * @param {1 | 2} suite
 * @param {(size: number) => Uint8Array} random
 * @returns {Prepared}
 */
function prepare(target, source, bidder, suite, random) {
  const drawn = encapsulation.encapsulate(target.openingKey, random);
  const { policy, tender, lot, deadline, key } = target;
  const place = { policy, kind: source.kind, tender, lot, bidder: bidder.uscc, deadline, key };
  const header = { ...place, suite, point: drawn.point, paddedLength: source.length };
  const headerBytes = headers.encode(header);
  const headerHash = headers.hashOf(headerBytes);
  const secret = encapsulation.bidderSecret(bidder.secret, headerHash);
  const bound = encapsulation.bind(header, headerHash, drawn, secret, random);
  wipe(secret);
  const length = sealedLength(source.length);
  return { source, key: bound.key, envelope: { header, headerBytes, preamble: bound.preamble, length, root: NO_ROOT } };
}

const NO_ROOT = new Uint8Array(32);

/**
 * Seal one payload to its place in the file, put its root into its envelope, and forget its key.
 * @param {Prepared} one
 * @param {number} place
 * @param {Write} write
 * @param {(bytes: number) => void} progress
 * @returns {Promise<Body>}
 */
async function sealBody(one, place, write, progress) {
  const { source, envelope } = one;
  const records = await cipher(envelope.header.suite, one.key);
  wipe(one.key);
  let at = place;
  const tree = new BodyHasher((segment) => {
    write(segment, at);
    at += segment.length;
  });
  const count = recordCount(source.length);
  let first = 0;
  /** @type {{sealed: Promise<Uint8Array[]>, size: number} | null} */
  let waiting = null; // sealing a block and reading the next go on at the same time
  const settle = async () => {
    if (waiting === null) return;
    for (const record of await waiting.sealed) tree.update(record);
    progress(waiting.size);
  };
  for await (const block of source.blocks()) {
    const sealed = sealBlock(records, block, first, count);
    sealed.catch(() => undefined); // it is looked at when its turn comes
    await settle();
    waiting = { sealed, size: block.length };
    first += recordCount(block.length);
  }
  await settle();
  const parts = await tree.finish();
  envelope.root = bodyRoot(parts);
  return { kind: envelope.header.kind, length: envelope.length, parts };
}
