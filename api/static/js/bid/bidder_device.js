/**
 * A person's device: the opened key file and what is done with it. It runs in a Worker of its own; the page never sees a
 * secret, and closing the page forgets it.
 */
import { concat, equal, hex, text, unhex, utf8 } from "../lib/bytes.js";
import * as bidfile from "../lib/bidfile.js";
import { encode } from "../lib/canonical.js";
import * as drafts from "../lib/draft.js";
import * as keyfile from "../lib/keyfile.js";
import { fingerprint } from "../lib/keysetup.js";
import * as manifests from "../lib/manifest.js";
import { Refusal, require } from "../lib/refusal.js";
import { sealBid, sizes } from "../lib/sealing.js";
import { BodyHasher, SEGMENT_SIZE, bodyRoot } from "../lib/segments.js";
import { sign, write } from "../lib/signed.js";
import * as targets from "../lib/target.js";
import { verify as verifyTranscript } from "../lib/transcript.js";
import * as files from "./sealed_files.js";
import { rehearse } from "./rehearsing.js";

const ENROLMENT = "ggzy/device-enrolment/v1";

/** @typedef {(bytes: number) => void} Progress */
/**
 * What is kept of a sealed bid beside its file.
 * @typedef {Pick<import("./pending.js").Pending, "manifest" | "digest" | "signature" | "offset" | "size" | "bodies">} Sealed
 */

export class Device {
  /** @type {import("../lib/keyfile.js").Secrets} */
  #secrets = new Map();
  /** @type {import("../lib/signed.js").Device | null} */
  #device = null;

  /**
   * Make a new key file and hold it open.
   * @param {string} passphrase
   * @returns {{file: Uint8Array, deviceKey: string}}
   */
  create(passphrase) {
    const secrets = keyfile.create();
    return { file: keyfile.encrypt(secrets, passphrase), deviceKey: this.#hold(secrets) };
  }

  /**
   * Open a key file and hold it.
   * @param {Uint8Array} file
   * @param {string} passphrase
   * @returns {{deviceKey: string}} the public key in hex
   */
  unlock(file, passphrase) {
    return { deviceKey: this.#hold(keyfile.decrypt(file, passphrase)) };
  }

  /**
   * Prove that a saved copy opens and holds what this device holds; `device.bad_backup`.
   * @param {Uint8Array} file
   * @param {string} passphrase
   */
  prove(file, passphrase) {
    const copy = keyfile.decrypt(file, passphrase);
    const same = [...this.#secrets].every(([name, value]) => {
      const found = copy.get(name);
      return found !== undefined && equal(found, value);
    });
    require(same && this.#secrets.size > 0, "device.bad_backup");
  }

  /**
   * Answer the platform's challenge to enrol this device (docs/spec/http.md, section 5).
   * @param {string} user
   * @param {string} challenge hex
   * @returns {{public_key: string, challenge: string, signature: string}}
   */
  enrol(user, challenge) {
    const device = this.#opened();
    const fields = { challenge, format: ENROLMENT, public_key: hex(device.publicKey), user };
    const signature = sign(concat(utf8(`${ENROLMENT}\0`), encode(fields)), device);
    return { public_key: fields.public_key, challenge, signature: hex(signature) };
  }

  /** @param {Record<string, string>} fields that name their format @returns {string} the signed message */
  sign(fields) {
    return text(write(fields, this.#opened()));
  }

  /**
   * Seal a draft that is to be kept in the browser.
   * @param {drafts.Place} place
   * @param {unknown} content
   * @returns {Promise<Uint8Array>}
   */
  sealDraft(place, content) {
    return drafts.seal(this.#seed(), place, content);
  }

  /** @param {drafts.Place} place @param {Uint8Array} sealed @returns {Promise<any>} the content; `device.bad_draft` */
  openDraft(place, sealed) {
    return drafts.open(this.#seed(), place, sealed);
  }

  /**
   * Check that the opening key is one that custodians made: their transcript proves it, and hashes to what the target names.
   * @param {{target: Uint8Array, transcript: Uint8Array}} found
   * @returns {{threshold: number, custodians: {name: string, role: string, fingerprint: string}[]}} who can open what is sealed
   * @throws {Refusal} `seal.untrusted_key`, `bid.bad_target` and those of `transcript.verify`
   */
  trust({ target, transcript }) {
    const { threshold, custodians } = trusted(targets.parse(target), transcript);
    const shown = custodians.map(({ name, role, device_key }) => ({ name, role, fingerprint: fingerprint(unhex(device_key)) }));
    return { threshold, custodians: shown };
  }

  /**
   * Seal a bid into a file of its own in OPFS.
   * @param {{target: Uint8Array, transcript: Uint8Array | null, plans: import("../lib/sealing.js").EnvelopePlan[],
   *   uscc: string, previous: string | null, suite: 1 | 2, name: string}} asked `name` is the file's in OPFS
   * @param {Progress} progress
   * @returns {Promise<Sealed>}
   */
  async seal({ target, transcript, plans, uscc, previous, suite, name }, progress) {
    const lot = targets.parse(target);
    if (transcript !== null) trusted(lot, transcript);
    const bidder = { uscc, device: this.#opened(), secret: keyfile.secretOf(this.#secrets, keyfile.BIDDER_SECRET) };
    require((await files.room()) > sizes(plans).file, "seal.no_room", { needed: sizes(plans).file });
    const out = await files.create(name);
    try {
      /** @type {import("../lib/sealing.js").Write} */
      const write = (bytes, at) => store(out, bytes, at);
      const how = { write, suite, previous: previous === null ? null : unhex(previous), progress };
      const sealed = await sealBid(lot, plans, bidder, how);
      out.flush();
      return recordOf(sealed);
    } catch (error) {
      out.close();
      await files.remove(name);
      throw error;
    } finally {
      out.close();
    }
  }

  /**
   * Take a file that was sealed elsewhere (`ggzy seal`): check its signature and hash it, into a copy in OPFS.
   * @param {{file: File, name: string}} asked
   * @param {Progress} progress
   * @returns {Promise<Sealed>}
   */
  async adopt({ file, name }, progress) {
    const { manifest, encoded, signature, offset } = await bidfile.read(file);
    manifests.verify(encoded, signature);
    require((await files.room()) > file.size, "seal.no_room", { needed: file.size });
    const out = await files.create(name);
    try {
      store(out, bidfile.head(encoded, signature), 0);
      const bodies = [];
      let place = offset;
      for (const { header, length, root } of manifest.envelopes) {
        const parts = await copyBody(file, place, length, out, progress);
        require(equal(bodyRoot(parts), root), "bid.bad_root", { envelope: header.kind });
        bodies.push({ kind: header.kind, length, parts });
        place += length;
      }
      out.flush();
      return recordOf({ manifest: encoded, signature, offset, size: file.size, bodies });
    } finally {
      out.close();
    }
  }

  /** Seal and open a practice bid against a key made here. @param {number} size @param {Progress} progress */
  rehearse(size, progress) {
    return rehearse(size, progress);
  }

  /** @param {import("../lib/keyfile.js").Secrets} secrets */
  #hold(secrets) {
    this.#secrets = secrets;
    this.#device = keyfile.deviceKey(secrets);
    return hex(this.#device.publicKey);
  }

  #seed() {
    this.#opened();
    return keyfile.secretOf(this.#secrets, keyfile.DEVICE_SEED);
  }

  #opened() {
    if (this.#device === null) throw new Refusal("device.locked");
    return this.#device;
  }
}

/** @param {targets.SealTarget} lot @param {Uint8Array} transcript @returns {import("../lib/transcript.js").OpeningKey} */
function trusted(lot, transcript) {
  const known = verifyTranscript(transcript).keys.find((key) => equal(key.keyHash, lot.key));
  if (known === undefined || !equal(known.publicKey, lot.openingKey)) throw new Refusal("seal.untrusted_key");
  return known;
}

/**
 * @param {File} file
 * @param {number} start
 * @param {number} length
 * @param {files.OpenFile} out
 * @param {Progress} progress
 * @returns {Promise<import("../lib/segments.js").Part[]>}
 */
async function copyBody(file, start, length, out, progress) {
  let at = start;
  const tree = new BodyHasher((segment) => {
    store(out, segment, at);
    at += segment.length;
  });
  for (let place = start; place < start + length; place += SEGMENT_SIZE) {
    const end = Math.min(place + SEGMENT_SIZE, start + length);
    tree.update(new Uint8Array(await file.slice(place, end).arrayBuffer()));
    progress(end - place);
  }
  return tree.finish();
}

/** @param {files.OpenFile} out @param {Uint8Array} bytes @param {number} at */
function store(out, bytes, at) {
  let written;
  try {
    written = out.write(bytes, { at });
  } catch {
    written = -1; // QuotaExceededError and whatever else the disk says
  }
  require(written === bytes.length, "seal.no_room", { needed: bytes.length });
}

/** @param {import("../lib/sealing.js").Sealed} sealed @returns {Sealed} */
function recordOf({ manifest, signature, offset, size, bodies }) {
  return {
    manifest: text(manifest),
    digest: hex(manifests.digestOf(manifest)),
    signature: hex(signature),
    offset,
    size,
    bodies: bodies.map(({ kind, length, parts }) => ({
      kind,
      length,
      parts: parts.map((part) => ({ root: hex(part.root), size: part.size })),
    })),
  };
}
