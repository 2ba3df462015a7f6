/**
 * What a custodian's device checks before it gives a share: the server's word counts for nothing here.
 *
 * The same as bidding/custodian.py; the numbers are those of docs/spec/opening.md, "What a device checks". The device
 * passes what it has pinned, the key that it holds a share of, and the newest deadline that it remembers of the lot.
 */
import { concat, hex, unhex, utf8 } from "./bytes.js";
import * as canonical from "./canonical.js";
import * as manifests from "./manifest.js";
import { sha256 } from "./merkle.js";
import * as requests from "./opening_request.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";
import * as moment from "./verify/moment.js";
import * as proofs from "./verify/proof.js";
import * as timestamp from "./verify/timestamp.js";

const ANNOUNCED = "tender.announced";
const MOVED = "deadline.moved";
const RECEIVED = "bid.received";
const TECHNICAL_FINISHED = "evaluation.technical_finished";
const CONTEXT = utf8("ggzy/event/v1\0");
const MAX_EVENT = 1 << 20;

const EVENT = shape.object({
  format: shape.oneOf("ggzy/event/v1"),
  id: shape.identifier,
  kind: shape.matching(/^[a-z][a-z_]{0,39}(\.[a-z][a-z_]{0,39}){1,3}$/),
  at: shape.time,
  trade: shape.nullable(shape.identifier),
  actor: shape.identifier,
  data: shape.record,
  sandbox: shape.flag,
});

/** What is trusted from elsewhere. @typedef {{chain: string, log: import("./verify/note.js").Key}} Pins */
/** @typedef {{at: string, bidder: string, index: number, envelopes: number}} Bid as shown to the custodian */
/**
 * A request that passed. Times are canonical texts.
 * @typedef {{lot: string, tender: string, stage: number, stampedAt: string, deadline: string, bids: Bid[],
 *   kinds: string[], question: import("./opening_shares.js").Question}} Examined
 */
/** What the trail says of a lot. @typedef {{deadline: bigint, kinds: Set<string>, key: string, sandbox: boolean}} Told */

/**
 * Check a stamped request whole; `newestSeen` is the newest deadline (microseconds) ever seen for the lot, or null.
 * `passed` is called with the number of each step that was passed.
 *
 * Throws `opening_request.malformed`, those of `timestamp.check`, and under `custodian.`: `other_key`, `not_in_log`,
 * `wrong_entry`, `not_announced`, `deadline_not_newest`, `deadline_went_back`, `too_early`, `stage_not_reached`,
 * `other_bid`, `two_bids`, `nothing_to_open`; `bid.bad_signature` and what a manifest's parser throws.
 * @param {Uint8Array} stamped
 * @param {import("./transcript.js").OpeningKey} key
 * @param {Pins} pins
 * @param {bigint | null} newestSeen
 * @param {(step: number) => void} [passed]
 * @returns {Promise<Examined>}
 */
export async function examine(stamped, key, pins, newestSeen, passed = () => {}) {
  // 1. Form.
  const { request, digest, token } = requests.parse(stamped);
  passed(1);
  // 2. The key is one of which this device holds a share.
  const own = request.key === hex(key.keyHash) && request.transcript === hex(key.transcript);
  if (!own || request.key_index !== key.index) throw refused("other_key");
  passed(2);
  // 3. What the trail says of the lot; the request names the newest deadline, and none newer was ever seen.
  const told = tell(request, pins);
  checkDeadline(request, told, newestSeen);
  passed(3);
  // 4. A trusted time, not before the deadline.
  const stamp = await timestamp.check(token, digest, pins.chain, { sandbox: told.sandbox });
  const deadline = moment.format(told.deadline);
  if (stamp.time < told.deadline) throw refused("too_early", { at: stamp.at, deadline });
  passed(4);
  // 5. A later stage was reached.
  if (request.stage > 1) checkReached(request, pins);
  passed(5);
  // 6. Every bid is in the log, for this lot and key, and none stands beside another of its bidder.
  const received = request.bids.map((bid) => checkBid(request, bid, told, pins));
  if (new Set(received.map((one) => one.manifest.bidder)).size !== received.length) throw refused("two_bids");
  passed(6);
  // 7. What was announced for this stage is what is opened.
  const chosen = received.map((one) => one.manifest.envelopes.filter((envelope) => told.kinds.has(envelope.header.kind)));
  if (!chosen.some((envelopes) => envelopes.length)) throw refused("nothing_to_open");
  passed(7);
  const bids = received.map(({ manifest, at, index }, place) => {
    return { bidder: manifest.bidder, at, index, envelopes: chosen[place].length };
  });
  const { lot, tender, stage } = request;
  const question = { request: digest, key, envelopes: chosen.flat() };
  return { lot, tender, stage, stampedAt: stamp.at, deadline, bids, kinds: [...told.kinds], question };
}

/** Return what the announcement and the moves of the deadline say, in the order of the log. */
function tell(/** @type {requests.Request} */ request, /** @type {Pins} */ pins) {
  const events = request.deadlines.map((entry) => eventOf(request, entry, [ANNOUNCED, MOVED], pins).event);
  const ordered = events.every((event, at) => event.kind === (at === 0 ? ANNOUNCED : MOVED));
  if (!ordered) throw refused("not_announced");
  try {
    const terms = events[0].data.terms.find((/** @type {any} */ one) => one.lot === request.lot);
    const moved = events.slice(1).filter((event) => event.data.lot === request.lot);
    const deadlines = [terms.deadline, ...moved.map((event) => event.data.new)].map(readTime);
    const newest = deadlines.reduce((one, other) => (one > other ? one : other));
    const rules = terms.envelopes.filter((/** @type {any} */ rule) => rule.stage === request.stage);
    const kinds = new Set(rules.map((/** @type {any} */ rule) => String(rule.kind)));
    return { deadline: newest, kinds, key: String(terms.key), sandbox: events[0].sandbox };
  } catch {
    throw refused("not_announced");
  }
}

/**
 * @param {requests.Request} request
 * @param {Told} told
 * @param {bigint | null} newestSeen
 */
function checkDeadline(request, told, newestSeen) {
  if (told.key !== request.key) throw refused("other_key");
  const deadline = moment.format(told.deadline);
  if (moment.parse(request.deadline) !== told.deadline) throw refused("deadline_not_newest", { deadline });
  if (newestSeen !== null && told.deadline < newestSeen) {
    throw refused("deadline_went_back", { deadline: moment.format(newestSeen) });
  }
}

function checkReached(/** @type {requests.Request} */ request, /** @type {Pins} */ pins) {
  const events = request.reached.map((entry) => eventOf(request, entry, [TECHNICAL_FINISHED], pins).event);
  const reached = events.some((event) => event.data.lot === request.lot);
  if (!reached) throw refused("stage_not_reached", { stage: request.stage });
}

/**
 * @param {requests.Request} request
 * @param {requests.SealedBid} bid
 * @param {Told} told
 * @param {Pins} pins
 */
function checkBid(request, bid, told, pins) {
  const { event, index } = eventOf(request, bid.entry, [RECEIVED], pins);
  const content = canonical.encode(bid.manifest);
  const manifest = manifests.parse(content);
  manifests.verifySignature(content, unhex(bid.signature), manifest.signer);
  const { bidder, signer, envelopes } = manifest;
  const expected = { lot: request.lot, bidder, manifest: hex(sha256(content)), signer: hex(signer) };
  const named = Object.entries(expected).every(([name, value]) => event.data[name] === value);
  const places = [manifest, ...envelopes.map((envelope) => envelope.header)];
  // A header with a later deadline: its bidder asked that it stay shut until then.
  const right = places.every(
    (place) =>
      place.lot === request.lot &&
      place.tender === request.tender &&
      place.bidder === bidder &&
      readTime(place.deadline) <= told.deadline,
  );
  const sealed = envelopes.every((envelope) => hex(envelope.header.key) === request.key);
  if (!named || !right || !sealed || readTime(event.at) >= told.deadline) throw refused("other_bid", { bidder });
  return { manifest, at: event.at, index };
}

/**
 * Return the event of an entry that the pinned log holds, of one of these kinds, about this tender, with its index.
 * @param {requests.Request} request
 * @param {requests.Entry} entry
 * @param {string[]} kinds
 * @param {Pins} pins
 */
function eventOf(request, entry, kinds, pins) {
  const content = canonical.encode(entry.event);
  let index;
  try {
    ({ index } = proofs.check(entry.proof, sha256(concat(CONTEXT, unhex(entry.salt), content)), pins.log));
    if (content.length > MAX_EVENT || !EVENT(entry.event)) throw new Refusal("event.malformed");
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw refused("not_in_log", { reason: error.code });
  }
  const { event } = entry;
  if (!kinds.includes(event.kind) || event.trade !== request.tender) throw refused("wrong_entry", { event: event.kind });
  return { event, index };
}

/** @param {unknown} text @returns {bigint} */
function readTime(text) {
  const read = moment.parse(text);
  if (read === null) throw refused("not_announced");
  return read;
}

/** @param {string} code @param {Record<string, unknown>} [params] */
function refused(code, params) {
  return new Refusal(`custodian.${code}`, params);
}
