/**
 * A custodian's device: the opened key file and what is done with it. It runs in a Worker of its own; the page relays
 * messages between it and the platform and never sees a secret.
 *
 * Whatever the key file must remember is kept (`keep`) before a message that depends on it is given out.
 */
import { equal, hex, text, unhex, utf8 } from "../lib/bytes.js";
import * as complaint from "../lib/complaint.js";
import * as custodian from "../lib/custodian.js";
import * as keyfile from "../lib/keyfile.js";
import * as keymaking from "../lib/keymaking.js";
import * as keysetup from "../lib/keysetup.js";
import * as requests from "../lib/opening_request.js";
import * as openingShares from "../lib/opening_shares.js";
import { Refusal } from "../lib/refusal.js";
import * as remembered from "../lib/remembered.js";
import { randomBytes } from "../lib/sodium.js";
import * as transcript from "../lib/transcript.js";
import * as moment from "../lib/verify/moment.js";
import { parseKey } from "../lib/verify/note.js";

/** @typedef {import("../lib/keyfile.js").Secrets} Secrets */
/**
 * Where the key file is kept between visits: `keystore.js`.
 * @typedef {{kept: (key: string) => Promise<Uint8Array | null>, keep: (key: string, file: Uint8Array) => Promise<void>,
 *   alone: <T>(key: string, work: () => Promise<T>) => Promise<T>}} Store
 */

export class Device {
  /** @type {Secrets} */
  secrets = new Map();
  /** @type {import("../lib/signed.js").Device | null} */
  #device = null;
  /** @type {Uint8Array} */
  #file = new Uint8Array();
  #passphrase = "";
  /** @type {{memory: number, passes: number}} */
  #strength = keyfile.STRENGTH;
  #proven = "";
  /** @type {{examined: custodian.Examined, index: number, share: Uint8Array} | null} */
  #asked = null;
  #store;
  #tell;

  /**
   * @param {Store} store
   * @param {(step: number) => void} tell called with each step of a check that was passed
   */
  constructor(store, tell) {
    this.#store = store;
    this.#tell = tell;
  }

  /** The opened device's key; `custody.locked` before. */
  get device() {
    if (this.#device === null) throw new Refusal("custody.locked");
    return this.#device;
  }

  /**
   * Open a key file, together with the copy of it that this browser keeps; `keyfile.…`, `custody.other_device`.
   * @param {Uint8Array | null} chosen a file that the person selected, or null for the kept one
   * @param {string} passphrase
   * @param {string} expected the device key (hex) that the person has enrolled
   */
  async unlock(chosen, passphrase, expected) {
    const kept = await this.#store.kept(expected);
    const data = chosen ?? kept;
    if (!data) throw new Refusal("keyfile.not_found", { name: "" });
    const secrets = keyfile.decrypt(data, passphrase);
    const device = keyfile.deviceKey(secrets);
    if (hex(device.publicKey) !== expected) throw new Refusal("custody.other_device");
    [this.secrets, this.#device, this.#file] = [secrets, device, data];
    this.#passphrase = passphrase;
    this.#strength = keyfile.strengthOf(data);
    if (chosen && kept && !equal(chosen, kept)) await this.keep(secrets);
    else if (chosen) await this.#store.keep(expected, chosen);
    return keysetup.fingerprint(device.publicKey);
  }

  /**
   * Keep other secrets from now on, in the browser's storage first, in memory then.
   *
   * What another page of this browser has added meanwhile stays; where the two contradict each other (two requests for
   * one opening, two seeds of one draw) nothing is kept: `custodian.other_request`, `keyfile.repeated_secret`.
   * @param {Secrets} secrets
   */
  async keep(secrets) {
    const key = hex(this.device.publicKey);
    await this.#store.alone(key, async () => {
      const kept = await this.#store.kept(key);
      const others = kept && !equal(kept, this.#file) ? keyfile.decrypt(kept, this.#passphrase) : null;
      const all = others ? remembered.joined(others, secrets) : secrets;
      const file = keyfile.encrypt(all, this.#passphrase, { strength: this.#strength });
      await this.#store.keep(key, file);
      [this.secrets, this.#file] = [all, file];
    });
  }

  /** Return the key file as it is kept now, to be saved elsewhere. */
  backup() {
    return this.#file;
  }

  /**
   * Return the people of a setup as this device read it, to be compared; `keymaking.bad_setup`, `keymaking.wrong_setup`.
   * @param {string} setup
   * @param {string} ceremony the id of the key making that it must be of
   */
  inspect(setup, ceremony) {
    const terms = keysetup.read(utf8(setup));
    if (terms.ceremony !== ceremony) throw new Refusal("keymaking.wrong_setup");
    keysetup.indexOf(terms, this.device.publicKey);
    return terms.custodians.map(({ index, name, role, device_key: key }) => {
      return { index, name, role, fingerprint: keysetup.fingerprint(unhex(key)) };
    });
  }

  /** @param {string} setup @returns {string} this custodian's deal, made anew at each call */
  deal(setup) {
    return text(keymaking.deal(keysetup.read(utf8(setup)), this.device, randomBytes));
  }

  /**
   * Check all deals and keep this custodian's shares; or complain about who sent a wrong one.
   * @param {string} setup
   * @param {string[]} deals
   */
  async receive(setup, deals) {
    const terms = keysetup.read(utf8(setup));
    const messages = deals.map(utf8);
    try {
      const received = keymaking.receive(terms, this.device, messages);
      const hash = transcript.bodyHash(terms, received.deals);
      if (!remembered.hasShares(this.secrets, hash)) await this.keep(remembered.withShares(this.secrets, hash, received));
      return { transcript: hex(hash) };
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "keymaking.bad_share") throw error;
      const { dealer } = error.params;
      const wrong = messages.find((one) => keymaking.checkDeal(terms, one).deal.dealer === dealer);
      const said = complaint.write(terms, this.device, /** @type {Uint8Array} */ (wrong), randomBytes);
      return { complaint: text(said), dealer };
    }
  }

  /**
   * Prove that a saved copy of the key file can be opened and holds the shares of this batch; `custody.bad_backup`.
   * @param {Uint8Array} file
   * @param {string} transcriptHash
   */
  prove(file, transcriptHash) {
    const found = keyfile.decrypt(file, this.#passphrase);
    const name = `shares:${transcriptHash}`;
    const same = [keyfile.DEVICE_SEED, name].every((one) => {
      const [copy, own] = [found.get(one), this.secrets.get(one)];
      return copy && own && equal(copy, own);
    });
    if (!same) throw new Refusal("custody.bad_backup");
    this.#proven = transcriptHash;
  }

  /**
   * Return this custodian's certificate; only for shares whose backup was proven: `custody.no_backup`.
   * @param {string} setup
   * @param {string[]} deals
   */
  certify(setup, deals) {
    const terms = keysetup.read(utf8(setup));
    const received = keymaking.receive(terms, this.device, deals.map(utf8));
    if (hex(transcript.bodyHash(terms, received.deals)) !== this.#proven) throw new Refusal("custody.no_backup");
    return text(transcript.certify(terms, received, this.device));
  }

  /**
   * Check the finished transcript against the messages that this device saw; returns hash and number of keys.
   * @param {string} setup
   * @param {string[]} deals
   * @param {string[]} certificates
   */
  finish(setup, deals, certificates) {
    const terms = keysetup.read(utf8(setup));
    const whole = transcript.finish(terms, keymaking.collect(terms, deals.map(utf8)), certificates.map(utf8));
    const made = transcript.verify(whole);
    return { transcript: hex(made.hash), keys: made.keys.length, held: remembered.hasShares(this.secrets, made.hash) };
  }

  /**
   * Check an opening request whole; nothing is given out yet. Returns what the custodian is shown.
   * @param {{stamped: string, transcript: string, lot: string, stage: number, chain: string, vkey: string}} asked
   */
  async examine({ stamped, transcript: content, lot, stage, chain, vkey }) {
    const data = utf8(stamped);
    const { request } = requests.parse(data);
    if (request.lot !== lot || request.stage !== stage) throw new Refusal("custodian.other_bid", { bidder: "" });
    const made = transcript.verify(utf8(content));
    if (hex(made.hash) !== request.transcript) throw new Refusal("transcript.malformed");
    const key = made.keys[request.key_index];
    if (!key) throw new Refusal("transcript.malformed");
    const own = remembered.shareOf(this.secrets, made.hash, request.key_index);
    const pins = { chain, log: parseKey(vkey.trim()) };
    const seen = remembered.newestSeen(this.secrets, lot);
    const examined = await custodian.examine(data, key, pins, seen, this.#tell);
    remembered.bound(this.secrets, examined); // refuses a second request
    this.#asked = { examined, ...own };
    const { question, ...shown } = examined;
    return { ...shown, index: own.index, envelopes: question.envelopes.length };
  }

  /** Remember deadline and request, then return the signed shares for what was examined. */
  async answer() {
    if (!this.#asked) throw new Refusal("custody.nothing_examined");
    const { examined, index, share } = this.#asked;
    const deadline = /** @type {bigint} */ (moment.parse(examined.deadline));
    await this.keep(remembered.bound(remembered.withDeadline(this.secrets, examined.lot, deadline), examined));
    const { message, shares } = openingShares.write(examined.question, index, share, this.device, randomBytes);
    const refused = shares.flatMap((one) => (one.refused ? [{ header: one.header, refused: one.refused }] : []));
    return { message: text(message), given: shares.length - refused.length, refused };
  }
}
