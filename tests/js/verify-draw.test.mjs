/** Replaying draws of experts in the browser: the same seats, codes and refusals as Python's, by its vectors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bytes from "../../api/static/js/lib/bytes.js";
import * as nonces from "../../api/static/js/lib/nonce.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as giving from "../../api/static/js/lib/verify/draw/giving.js";
import * as quotas from "../../api/static/js/lib/verify/draw/quota.js";
import * as roster from "../../api/static/js/lib/verify/draw/roster.js";
import { Calls, commitNonce, drawer, extract, ticket } from "../../api/static/js/lib/verify/draw/selection.js";
import { outcome, read } from "./vectors.mjs";

await ready();
const VECTORS = read("draw/vectors.json");
const PRK = bytes.unhex(VECTORS.prk);

test("nonces, beacon and root lead to the key, the tickets, the seats and the next in line of Python", () => {
  const given = Object.values(VECTORS.nonces).map(bytes.unhex);
  const root = bytes.unhex(VECTORS.root);
  assert.equal(bytes.hex(extract(given, bytes.unhex(VECTORS.beacon), root)), VECTORS.prk);
  assert.equal(bytes.hex(extract(given, new Uint8Array(), root)), VECTORS.prk_without_beacon);
  for (const [code, expected] of Object.entries(VECTORS.tickets)) {
    assert.equal(ticket(PRK, VECTORS.tender, VECTORS.round, code), expected);
  }
  const entries = roster.read(VECTORS.roster);
  const calls = new Calls(drawer(entries, quotas.read(VECTORS.quotas), PRK, VECTORS.tender, VECTORS.round));
  assert.deepEqual(calls.begin(), VECTORS.drawn);
  const follows = calls.answer(VECTORS.declined.expert, "declined");
  assert.deepEqual(follows, { kind: VECTORS.declined.follows, data: VECTORS.declined.data });
});

test("the roster has the digest that Python gives it, and a malformed one is refused at the same line", async () => {
  assert.equal(bytes.hex(roster.digest(VECTORS.roster)), VECTORS.roster_digest);
  for (const { name, code, line, roster: lines } of VECTORS.malformed_rosters) {
    assert.throws(() => roster.read(lines), (error) => error.code === code && error.params.line === line, name);
  }
});

test("quotas that cannot be filled are named as in Python", () => {
  for (const { masks, quota, missing } of VECTORS.exhausted) {
    const ranked = masks.map((mask, at) => [String(at), mask]);
    const refused = (error) => error.params.quota === quota && error.params.missing === missing;
    assert.throws(() => quotas.select(ranked, VECTORS.quotas), refused);
  }
});

test("a nonce is taken for its commitment, its device and its seed only", async () => {
  for (const [role, nonce] of Object.entries(VECTORS.nonces)) {
    assert.equal(bytes.hex(commitNonce(VECTORS.draw, role, bytes.unhex(nonce))), VECTORS.nonce_commitments[role]);
  }
  const { message, device } = VECTORS.commitment;
  const commitment = nonces.read(bytes.utf8(message), bytes.unhex(device));
  const told = VECTORS.reveal;
  const own = bytes.unhex(told.device);
  const seed = nonces.seedDigest(VECTORS.draw, told.checkpoint, told.beacon_signature);
  assert.equal(seed, told.seed);
  const reveal = JSON.parse(told.message);
  assert.equal(bytes.hex(giving.revealed(reveal, commitment, own, seed)), VECTORS.nonces.centre);
  const other = "00".repeat(32);
  assert.equal(await outcome(() => giving.revealed(reveal, commitment, own, other)), "draw.other_seed");
  assert.equal(await outcome(() => giving.revealed(reveal, commitment, bytes.unhex(device), seed)), "signed.bad_signature");
  assert.equal(await outcome(() => giving.revealed({ ...reveal, more: 1 }, commitment, own, seed)), "draw.bad_reveal");
});
