/**
 * Points that ask for a note: far from what the same expert gives the other bids, or the other items of the same bid.
 * Pure; nobody else's points are looked at. Advice to the expert and the reader of the report, never a verdict.
 */

/** How far from the median, as a share of the maximum, points may be before a note is asked for. */
const FROM_OTHER_BIDS = 0.3;
const FROM_OTHER_ITEMS = 0.4;
/** Of fewer values no median says what is usual. The one looked at counts among them, so that it draws no other away. */
const ENOUGH = 3;

/**
 * @typedef {Record<string, number>} Shares points of one bid by item, as shares of the maxima
 */

/**
 * @param {Record<string, Shares>} sheets by bid; items without valid points are missing
 * @returns {{bid: string, code: string, why: "bids" | "items"}[]}
 */
export function notable(sheets) {
  const found = [];
  for (const [bid, shares] of Object.entries(sheets)) {
    for (const [code, share] of Object.entries(shares)) {
      const given = Object.values(sheets).flatMap((its) => (code in its ? [its[code]] : []));
      const beside = Object.values(shares);
      const why = isFar(share, given, FROM_OTHER_BIDS) ? "bids" : isFar(share, beside, FROM_OTHER_ITEMS) ? "items" : null;
      if (why) found.push({ bid, code, why: /** @type {"bids" | "items"} */ (why) });
    }
  }
  return found;
}

/** @param {number} share @param {number[]} all @param {number} limit */
function isFar(share, all, limit) {
  return all.length >= ENOUGH && Math.abs(share - median(all)) >= limit - 1e-9;
}

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
