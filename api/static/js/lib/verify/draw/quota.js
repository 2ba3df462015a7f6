/**
 * Quotas of a draw and the one set of experts that fills them: greedy over tickets on a transversal matroid.
 *
 * The same as experts/quota.py; docs/spec/draw.md, "Selection" and "Seats". A mask is a Number whose bits are the
 * quotas that an expert fits; there are at most 32, so masks are kept unsigned.
 */

import { Refusal } from "../../refusal.js";
import { hasMembers } from "../strict.js";

const SPECIALTY = /^[A-Z][0-9]{2}(?:[0-9]{2}){0,4}$/;
const SITE = /^[0-9]{6}$/;
const MAX_SEATS = 99;
const MAX_QUOTAS = 32;

/** @typedef {{specialty: string, site: string | null, count: number}} Quota */

/**
 * Read quotas strictly; refusal `draw.bad_quotas`.
 * @param {any} documents
 * @returns {Quota[]}
 */
export function read(documents) {
  const few = Array.isArray(documents) && documents.length >= 1 && documents.length <= MAX_QUOTAS;
  const sound = few && documents.every(isQuota);
  const seats = sound ? documents.reduce((sum, quota) => sum + quota.count, 0) : 0;
  const kinds = sound ? new Set(documents.map((quota) => label(quota))) : new Set();
  if (!sound || seats > MAX_SEATS || kinds.size !== documents.length) throw new Refusal("draw.bad_quotas");
  return documents;
}

/**
 * Return the mask of the quotas whose seats an expert may take.
 * @param {import("./roster.js").Entry} entry
 * @param {Quota[]} quotas
 */
export function fitting({ specialties, sites }, quotas) {
  return quotas.reduce((mask, { specialty, site }, at) => {
    const fits = specialties.some((one) => one.startsWith(specialty)) && (site === null || sites.includes(site));
    return fits ? (mask | (1 << at)) >>> 0 : mask;
  }, 0);
}

/**
 * Return the committee in rank order, each with the index of their quota, from experts in rank order with their masks.
 * Refusal `draw.pool_exhausted` naming the quotas that nobody can fill, and how many seats are missing.
 * @param {Iterable<[string, number]>} ranked
 * @param {Quota[]} quotas
 * @returns {{expert: string, quota: number}[]}
 */
export function select(ranked, quotas) {
  const seats = new Seats(quotas.map((quota) => quota.count));
  const total = quotas.reduce((sum, quota) => sum + quota.count, 0);
  const refused = new Set();
  for (const [expert, mask] of ranked) {
    // Whoever fits the same quotas as somebody refused is refused as well.
    if (refused.has(mask)) continue;
    if (!seats.admit(expert, mask)) refused.add(mask);
    else if (seats.order.length === total) return canonical(seats, quotas);
  }
  throw exhausted(seats, quotas);
}

/** Who sits where while the committee grows; an admitted expert never leaves, but may change seats. */
class Seats {
  /** @param {number[]} free seats of each quota */
  constructor(free) {
    this.free = [...free];
    /** @type {string[][]} */
    this.held = free.map(() => []);
    /** @type {Map<string, number>} */
    this.masks = new Map();
    /** @type {string[]} */
    this.order = [];
  }

  /**
   * Seat the expert, moving others along an augmenting path when needed.
   * @param {string} expert
   * @param {number} mask
   */
  admit(expert, mask) {
    this.masks.set(expert, mask);
    if (this.#place(expert)) return this.order.push(expert) > 0;
    this.masks.delete(expert);
    return false;
  }

  /** @param {string} expert */
  #place(expert) {
    /** @type {[string, number | null, number][]} */
    const frontier = [[expert, null, -1]];
    let seen = 0;
    for (let at = 0; at < frontier.length; at += 1) {
      for (const quota of bits((this.masks.get(frontier[at][0]) ?? 0) & ~seen)) {
        seen |= 1 << quota;
        if (this.free[quota]) return this.#shift(frontier, at, quota);
        for (const member of this.held[quota]) frontier.push([member, at, quota]);
      }
    }
    return false;
  }

  /** @param {[string, number | null, number][]} frontier @param {number | null} at @param {number} quota */
  #shift(frontier, at, quota) {
    this.free[quota] -= 1;
    while (at !== null) {
      const [who, before, left] = frontier[at];
      this.held[quota].push(who);
      if (before !== null) this.held[left].splice(this.held[left].indexOf(who), 1);
      [at, quota] = [before, left];
    }
    return true;
  }
}

/**
 * Seat members in rank order, each in the lowest quota that leaves seats for all after them.
 * @param {Seats} seats
 * @param {Quota[]} quotas
 */
function canonical({ order, masks }, quotas) {
  const counts = quotas.map((quota) => quota.count);
  const maskOf = (/** @type {string} */ expert) => masks.get(expert) ?? 0;
  return order.map((expert, place) => {
    for (const quota of bits(maskOf(expert))) {
      if (!counts[quota]) continue;
      counts[quota] -= 1;
      if (seatable(order.slice(place + 1).map(maskOf), counts)) return { expert, quota };
      counts[quota] += 1;
    }
    throw new Refusal("draw.pool_exhausted"); // cannot be: all were admitted together
  });
}

/** @param {number[]} masks @param {number[]} counts */
function seatable(masks, counts) {
  const seats = new Seats(counts);
  return masks.every((mask, at) => seats.admit(String(at), mask));
}

/**
 * Name the quotas short of people: the closure of the first free quota under who could sit there.
 * @param {Seats} seats
 * @param {Quota[]} quotas
 */
function exhausted(seats, quotas) {
  let short = (1 << seats.free.findIndex((free) => free > 0)) >>> 0;
  for (let wider = widened(seats, short); wider !== short; wider = widened(seats, short)) short = wider;
  const named = [...bits(short)];
  const missing = named.reduce((sum, quota) => sum + seats.free[quota], 0);
  return new Refusal("draw.pool_exhausted", { quota: named.map((quota) => label(quotas[quota])).join(", "), missing });
}

/** @param {Seats} seats @param {number} short */
function widened({ held, masks }, short) {
  return held.reduce((wider, members, quota) => {
    const sits = members.some((member) => (masks.get(member) ?? 0) & short);
    return sits ? (wider | (1 << quota)) >>> 0 : wider;
  }, short);
}

/** @param {number} mask @returns {Generator<number>} */
function* bits(mask) {
  for (let at = 0; at < MAX_QUOTAS; at += 1) if (mask & (1 << at)) yield at;
}

/** @param {any} quota */
function isQuota(quota) {
  return (
    hasMembers(quota, ["specialty", "site", "count"]) &&
    typeof quota.specialty === "string" &&
    SPECIALTY.test(quota.specialty) &&
    (quota.site === null || (typeof quota.site === "string" && SITE.test(quota.site))) &&
    Number.isSafeInteger(quota.count) &&
    quota.count >= 1 &&
    quota.count <= MAX_SEATS
  );
}

/** @param {Quota} quota */
function label({ specialty, site }) {
  return site === null ? specialty : `${specialty}@${site}`;
}
