/**
 * Sends a sealed bid in parts (docs/spec/submission.md) and hands it in. It goes on after any break: the platform says
 * what it has, a part sent twice is stored once, and no key is needed.
 */
import { put, steadily } from "../carry.js";
import { api } from "../http.js";
import { codeOf } from "../lib/refusal.js";
import { PART_SIZE } from "../lib/segments.js";
import * as pending from "./pending.js";

const AT_ONCE = 3;
const WINDOW = 20_000; // milliseconds over which the speed is taken
const MEASURED = 1000; // milliseconds before which there is none
const HANDED_IN = new Set(["upload.closed", "bid.replaces_other"]);

/** @typedef {import("./pending.js").Pending} Pending */
/** @typedef {{kind: string, number: number, root: string, size: number, offset: number}} Part of a body, at its place in the file */
/** @typedef {{id: string, state: string, present: Record<string, number[]>}} Session as the API shows it */
/** @typedef {{sent: number, total: number, speed: number, pause: number}} Standing bytes, bytes a second (0: not measured yet), seconds of waiting */

/** One bid on its way. */
export class Upload {
  /** @type {[number, number][]} moments and bytes sent since the beginning */
  #marks = [];
  /** @type {Map<object, number>} bytes of the parts that are on their way */
  #flying = new Map();
  #stored = 0;
  #new = 0;
  #pause = 0;

  /**
   * @param {Pending} bid
   * @param {File} file the sealed file
   * @param {(standing: Standing) => void} tell
   * @param {AbortSignal} signal
   */
  constructor(bid, file, tell, signal) {
    this.bid = bid;
    this.file = file;
    this.signal = signal;
    this.#tell = tell;
  }

  #tell;

  /**
   * Send what is missing and hand the bid in.
   * @returns {Promise<any>} the bid as the API shows it, with its receipt
   * @throws {Refusal} what the platform refuses; breaks of the network are waited out
   */
  async run() {
    const session = await this.#steady(() => this.#session());
    if (session.state === "open") await this.#send(session);
    return this.#steady(() => this.#handIn(session.id));
  }

  /** The session that was opened before, if it still takes parts; else a new one. @returns {Promise<Session>} */
  async #session() {
    if (this.bid.upload !== null) {
      try {
        const known = await this.#api("GET", `/api/v1/uploads/${this.bid.upload}`);
        if (known.state !== "swept") return known; // used: only the answer was lost
      } catch (error) {
        if (/** @type {any} */ (error).status !== 404) throw error;
      }
    }
    const bodies = Object.fromEntries(this.bid.bodies.map(({ kind, length }) => [kind, length]));
    const asked = { bidder: this.bid.uscc, bodies };
    const opened = await this.#api("POST", `/api/v1/lots/${this.bid.lot}/uploads`, asked);
    this.bid.upload = opened.id;
    await pending.keep(this.bid);
    return opened;
  }

  /** @param {Session} session */
  async #send(session) {
    const parts = partsOf(this.bid);
    const missing = parts.filter((part) => !session.present[part.kind].includes(part.number));
    this.#stored = sum(parts) - sum(missing);
    this.#show();
    const work = async () => {
      for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
        const one = part;
        await this.#steady(() => this.#put(session.id, one));
        this.#flying.delete(one);
        this.#stored += one.size;
        this.#show();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  /** @param {string} session @param {Part} part */
  #put(session, part) {
    const path = `/api/v1/uploads/${session}/${part.kind}/${part.number}`;
    const data = this.file.slice(part.offset, part.offset + part.size);
    const progress = (/** @type {number} */ loaded) => {
      this.#new += Math.max(0, loaded - (this.#flying.get(part) ?? 0));
      this.#flying.set(part, loaded);
      this.#show();
    };
    return put(path, data, progress, { headers: { "Part-Root": part.root }, signal: this.signal });
  }

  /** @param {string} upload the session's id */
  async #handIn(upload) {
    const { lot, manifest, signature, digest } = this.bid;
    const key = `${digest}${upload.replaceAll("-", "")}`;
    try {
      return await this.#api("POST", `/api/v1/lots/${lot}/bids`, { upload, manifest, signature }, { "Idempotency-Key": key });
    } catch (error) {
      const known = HANDED_IN.has(codeOf(error)) ? await this.#received() : undefined;
      if (known === undefined) throw error;
      return known;
    }
  }

  /** The bid that was handed in from this very file, when the answer to it was lost. */
  async #received() {
    const own = await this.#api("GET", `/api/v1/lots/${this.bid.lot}/bids`);
    return own.find((/** @type {any} */ one) => JSON.parse(one.receipt.json).event.data.manifest === this.bid.digest);
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [headers] */
  #api(method, path, body, headers = {}) {
    return api(method, path, body, { headers, signal: this.signal });
  }

  /** Wait out what passes by itself. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #steady(work) {
    return steadily(work, (seconds) => this.#wait(seconds), this.signal);
  }

  /** @param {number} seconds of a pause, 0 when it is over */
  #wait(seconds) {
    this.#pause = seconds;
    if (seconds === 0) return;
    this.#marks = [];
    this.#flying.clear();
    this.#show();
  }

  #show() {
    const now = performance.now();
    this.#marks.push([now, this.#new]);
    this.#marks = this.#marks.filter(([moment]) => now - moment <= WINDOW);
    const [[since, before]] = this.#marks;
    const speed = now - since >= MEASURED ? ((this.#new - before) * 1000) / (now - since) : 0;
    const flying = [...this.#flying.values()].reduce((all, bytes) => all + bytes, 0);
    const total = sum(partsOf(this.bid));
    this.#tell({ sent: Math.min(total, this.#stored + flying), total, speed, pause: this.#pause });
  }
}

/** Every part with its number within its body and its place in the file. @param {Pending} bid @returns {Part[]} */
function partsOf(bid) {
  let start = bid.offset;
  return bid.bodies.flatMap(({ kind, length, parts }) => {
    const begin = start;
    start += length;
    return parts.map(({ root, size }, number) => ({ kind, number, root, size, offset: begin + number * PART_SIZE }));
  });
}

/** @param {Part[]} parts @returns {number} bytes */
function sum(parts) {
  return parts.reduce((all, part) => all + part.size, 0);
}
