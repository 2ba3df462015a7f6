/** What a custodian's device checks and answers, against the stamped requests that Python wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, text, unhex, utf8 } from "../../api/static/js/lib/bytes.js";
import * as custodian from "../../api/static/js/lib/custodian.js";
import * as openingShares from "../../api/static/js/lib/opening_shares.js";
import * as remembered from "../../api/static/js/lib/remembered.js";
import { deviceOf } from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as transcript from "../../api/static/js/lib/transcript.js";
import * as moment from "../../api/static/js/lib/verify/moment.js";
import { parseKey } from "../../api/static/js/lib/verify/note.js";
import { outcome, read, seeded } from "./vectors.mjs";

await ready();
const told = read("opening/requests.json");
const key = transcript.verify(utf8(told.transcript)).keys[told.key_index];
const pins = { chain: told.chain, log: parseKey(told.vkey) };
const device = deviceOf(unhex(told.device_seed));
const honest = told.cases[0];

const examine = (one, pinned = pins, passed = undefined) =>
  custodian.examine(utf8(one.stamped), key, pinned, one.newest_seen && moment.parse(one.newest_seen), passed);

for (const one of told.cases) {
  test(`${one.name}: ${one.expect}`, async () => {
    assert.equal(await outcome(() => examine(one)), one.expect);
  });
}

test("a request that passed is answered with the same bytes as Python's, given the same randomness", async () => {
  for (const one of told.cases.filter(({ answer }) => answer)) {
    const { question } = await examine(one);
    const random = seeded(unhex(told.answer_seed), 0);
    const { message } = openingShares.write(question, 1, unhex(told.share), device, random);
    assert.equal(text(message), one.answer, one.name);
  }
});

test("the custodian is shown what was checked, step by step", async () => {
  const steps = [];
  const seen = await examine(honest, pins, (step) => steps.push(step));
  assert.deepEqual(steps, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([seen.stage, seen.deadline, seen.kinds], [1, "2026-12-01T01:00:00.000000Z", ["technical"]]);
  assert.equal(seen.stampedAt, "2026-12-01T01:00:01.000000Z");
  assert.deepEqual(seen.bids.map(({ envelopes }) => envelopes), [1, 1]);
  const early = told.cases.find(({ expect }) => expect === "custodian.too_early");
  steps.length = 0;
  await assert.rejects(examine(early, pins, (step) => steps.push(step)));
  assert.deepEqual(steps, [1, 2, 3]);
});

test("one bad envelope is refused by itself and never stops the others", async () => {
  const torn = told.cases.find(({ name }) => name.startsWith("one envelope"));
  const { question } = await examine(torn);
  const { shares } = openingShares.write(question, 1, unhex(told.share), device, seeded(new Uint8Array(1), 0));
  assert.deepEqual(shares.map(({ refused }) => refused), ["bid.bad_proof", null]);
});

test("another log's key and another authority's chain are not believed", async () => {
  const other = parseKey(read("receipt/vectors.json").vkey);
  assert.equal(await outcome(() => examine(honest, { ...pins, log: other })), "custodian.not_in_log");
  const chain = read("receipt/vectors.json").chain;
  assert.match(await outcome(() => examine(honest, { ...pins, chain })), /^timestamp\./);
});

test("no byte of a stamped request can be changed unseen", async () => {
  const bytes = utf8(honest.stamped);
  for (let at = 0; at < bytes.length; at += 61) {
    const changed = bytes.slice();
    changed[at] ^= 1;
    const said = await outcome(() => custodian.examine(changed, key, pins, null));
    assert.notEqual(said, "ok", `byte ${at}`);
  }
});

test("deadlines are remembered and never go back; one request is answered for a lot and stage", () => {
  const [lot, other] = ["22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"];
  let secrets = remembered.withDeadline(new Map(), lot, 5n);
  secrets = remembered.withDeadline(remembered.withDeadline(secrets, other, 9n), lot, 3n);
  assert.deepEqual([lot, other, "44444444-4444-4444-8444-444444444444"].map((id) => remembered.newestSeen(secrets, id)), [5n, 9n, null]);
  const examined = (fill) => ({ lot, stage: 1, question: { request: new Uint8Array(32).fill(fill) } });
  secrets = remembered.bound(secrets, examined(1));
  assert.equal(remembered.bound(secrets, examined(1)), secrets);
  assert.throws(() => remembered.bound(secrets, examined(2)), { code: "custodian.other_request" });
  assert.throws(() => remembered.withSeed(remembered.withSeed(secrets, lot, "00".repeat(32)), lot, "11".repeat(32)), {
    code: "draw.other_seed",
  });
});

test("two copies of one key file join; where they contradict each other they do not", () => {
  const lot = "22222222-2222-4222-8222-222222222222";
  const transcriptHash = new Uint8Array(32).fill(7);
  const share = { index: 2, shares: [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] };
  const one = remembered.withDeadline(new Map([["device-seed", new Uint8Array(32)]]), lot, 5n);
  const two = remembered.withDeadline(remembered.withShares(one, transcriptHash, share), lot, 8n);
  const whole = remembered.joined(one, two);
  assert.equal(remembered.newestSeen(whole, lot), 8n);
  assert.deepEqual(hex(remembered.shareOf(whole, transcriptHash, 1).share), "02".repeat(32));
  assert.throws(() => remembered.shareOf(whole, transcriptHash, 2), { code: "custody.no_share" });
  const foreign = new Map([["device-seed", new Uint8Array(32).fill(1)]]);
  assert.throws(() => remembered.joined(one, foreign), { code: "keyfile.repeated_secret" });
});
