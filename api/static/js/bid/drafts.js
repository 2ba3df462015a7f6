/** Sealed drafts of bids as this browser keeps them (IndexedDB): one for a person, a lot and a bidder. */
import { serverNow, synchronize } from "../clock.js";
import { within } from "../database.js";

const STORE = "drafts";

/**
 * @typedef {object} Draft
 * @property {string} user whose device sealed it
 * @property {string} lot
 * @property {string} uscc the bidder
 * @property {string} deadline as it was last known
 * @property {number} savedAt milliseconds since 1970, by the server's clock
 * @property {Uint8Array} sealed `lib/draft.js`
 */

/** @typedef {{user: string, lot: string, uscc: string}} Place whose draft of what */

/** @param {Place} place @returns {Promise<Draft | null>} */
export async function find({ user, lot, uscc }) {
  return (await within(STORE, "readonly", (store) => store.get([user, lot, uscc]))) ?? null;
}

/** Keep a draft, in place of an earlier one. @param {Draft} draft */
export async function keep(draft) {
  await within(STORE, "readwrite", (store) => store.put(draft));
}

/** @param {Place} place */
export async function forget({ user, lot, uscc }) {
  await within(STORE, "readwrite", (store) => store.delete([user, lot, uscc]));
}

/**
 * Forget everybody's drafts whose deadline is over; a deadline that moved is the one that the page tells.
 * @param {Map<string, string>} deadlines of lots, by id
 */
export async function expire(deadlines) {
  try {
    await synchronize();
  } catch {
    return; // a wrong clock of this machine must not throw away what somebody wrote
  }
  for (const draft of /** @type {Draft[]} */ (await within(STORE, "readonly", (store) => store.getAll()))) {
    const deadline = deadlines.get(draft.lot) ?? draft.deadline;
    if (Date.parse(deadline) <= serverNow()) await forget(draft);
    else if (deadline !== draft.deadline) await keep({ ...draft, deadline });
  }
}
