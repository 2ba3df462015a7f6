/**
 * The draw itself, a pure function of what was logged beforehand, and what follows from each answer of a called expert.
 *
 * The same as experts/draw.py and experts/calls.py; docs/spec/draw.md, "Seed", "Selection", "Calls". Codes and
 * tickets are hex. libsodium must be `ready`.
 */

import { concat, hex, u32, unhex, utf8 } from "../../bytes.js";
import { sha256 } from "../../merkle.js";
import { Refusal } from "../../refusal.js";
import { sodium } from "../../sodium.js";
import { fitting, select } from "./quota.js";

const NONCE = utf8("ggzy/draw-nonce/v1\0");
const TICKET = utf8("draw-v1");
const FIRST_BLOCK = Uint8Array.of(1);
const GONE = ["declined", "timed_out", "recused"];

/** @typedef {{expert: string, quota: number, ticket: string}} Seat */

/**
 * Return the 32-byte commitment of a participant's nonce, bound to the draw (a UUID) and their role.
 * @param {string} draw
 * @param {string} role
 * @param {Uint8Array} nonce
 */
export function commitNonce(draw, role, nonce) {
  return sha256(concat(NONCE, uuid(draw), utf8(`${role}\0`), nonce));
}

/**
 * Return PRK = HKDF-Extract(salt: the sorted nonces, IKM: beacon ‖ root), 32 bytes.
 * @param {Uint8Array[]} nonces three of 32 bytes: longer than a block, so that HMAC's key is their hash
 * @param {Uint8Array} beacon empty, or 32 bytes
 * @param {Uint8Array} root
 */
export function extract(nonces, beacon, root) {
  const salt = unhex(nonces.map(hex).sort().join(""));
  return sodium.crypto_auth_hmacsha256(concat(beacon, root), sha256(salt));
}

/**
 * Return the ticket of a code in a round: one block of HKDF-Expand.
 * @param {Uint8Array} prk
 * @param {string} tender
 * @param {number} round
 * @param {string} code
 */
export function ticket(prk, tender, round, code) {
  return hex(sodium.crypto_auth_hmacsha256(concat(TICKET, uuid(tender), u32(round), unhex(code), FIRST_BLOCK), prk));
}

/**
 * Return what draws a committee without the codes given: the same tickets every time, computed once.
 * @param {import("./roster.js").Entry[]} entries
 * @param {import("./quota.js").Quota[]} quotas
 * @param {Uint8Array} prk
 * @param {string} tender
 * @param {number} round
 * @returns {(gone: Set<string>) => Seat[]} refusal `draw.pool_exhausted`
 */
export function drawer(entries, quotas, prk, tender, round) {
  const ranked = entries
    .filter((entry) => !entry.excluded)
    .map((entry) => ({ code: entry.code, mask: fitting(entry, quotas) }))
    .filter(({ mask }) => mask)
    .map((one) => ({ ...one, ticket: ticket(prk, tender, round, one.code) }))
    .sort((one, other) => order(one.ticket, other.ticket) || order(one.code, other.code));
  const tickets = new Map(ranked.map((one) => [one.code, one.ticket]));
  return (gone) => {
    const left = ranked
      .filter(({ code }) => !gone.has(code))
      .map(({ code, mask }) => /** @type {[string, number]} */ ([code, mask]));
    return select(left, quotas).map(({ expert, quota }) => ({ expert, quota, ticket: tickets.get(expert) ?? "" }));
  };
}

/** The calls of one draw: who was called, how they answered, what follows. */
export class Calls {
  /** @type {Map<string, string>} */
  #states = new Map();
  /** @type {Map<string, string>} */
  #tickets = new Map();
  #redraw;

  /** @param {(gone: Set<string>) => Seat[]} redraw */
  constructor(redraw) {
    this.#redraw = redraw;
  }

  /** @returns {string[]} the codes of those who accepted, by rising ticket */
  get accepted() {
    const found = [...this.#states].filter(([, state]) => state === "accepted").map(([code]) => code);
    return found.sort((one, other) => order(this.#tickets.get(one) ?? "", this.#tickets.get(other) ?? ""));
  }

  /** Call the drawn committee. @returns {Seat[]} */
  begin() {
    const seats = this.#redraw(new Set());
    seats.forEach((seat) => this.#call(seat));
    return seats;
  }

  /**
   * Take one answer and return the event that follows from it; refusals `draw.not_called`, `draw.answered`.
   * @param {string} code
   * @param {string} outcome
   * @returns {{kind: string, data: Record<string, unknown>} | null}
   */
  answer(code, outcome) {
    const before = this.#states.get(code);
    if (before === undefined) throw new Refusal("draw.not_called");
    if (before !== "invited" && !(before === "accepted" && outcome === "recused"))
      throw new Refusal("draw.answered", { outcome: before });
    this.#states.set(code, outcome);
    try {
      return this.#following(this.#redraw(this.#gone()));
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "draw.pool_exhausted") throw error;
      return GONE.includes(outcome) ? { kind: "draw.exhausted", data: error.params } : null;
    }
  }

  /** @param {Seat[]} seats */
  #following(seats) {
    const called = seats.find((seat) => !this.#states.has(seat.expert));
    if (called) {
      this.#call(called);
      return { kind: "draw.called", data: { ...called } };
    }
    const complete = seats.every((seat) => this.#states.get(seat.expert) === "accepted");
    return complete ? { kind: "draw.completed", data: { members: seats } } : null;
  }

  #gone() {
    return new Set([...this.#states].filter(([, state]) => GONE.includes(state)).map(([code]) => code));
  }

  /** @param {Seat} seat */
  #call({ expert, ticket: drawn }) {
    this.#states.set(expert, "invited");
    this.#tickets.set(expert, drawn);
  }
}

/** @param {string} one @param {string} other */
function order(one, other) {
  return one < other ? -1 : Number(one > other);
}

/** @param {string} text */
function uuid(text) {
  return unhex(text.replaceAll("-", ""));
}
