/** A draw's nonces on a device: commitment, reveal and the share of a withheld one are the bytes that Python writes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, text, unhex, utf8 } from "../../api/static/js/lib/bytes.js";
import * as drawing from "../../api/static/js/lib/drawing.js";
import * as nonce from "../../api/static/js/lib/nonce.js";
import { deviceOf } from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as trustedTime from "../../api/static/js/lib/trusted_time.js";
import * as moment from "../../api/static/js/lib/verify/moment.js";
import { outcome, read, seeded } from "./vectors.mjs";

await ready();
const told = read("opening/nonces.json");
const device = deviceOf(unhex(told.device_seed));
const key = drawing.openingKey(utf8(told.transcript), told.told.key_hash);
const random = () => seeded(unhex(told.seed), 0);
const release = moment.parse("2026-12-02T01:00:00.000000Z");

test("the commitment is Python's, given the same randomness", async () => {
  const plan = drawing.planOf(told.told, key);
  const message = await nonce.commit(plan, told.role, unhex(told.nonce), device, random());
  assert.equal(text(message), told.commitment);
});

test("the reveal names the seed and is Python's", () => {
  const seed = drawing.seedOf(told.told.id, told.told);
  assert.equal(seed, told.seed_digest);
  assert.equal(text(nonce.reveal(told.told.id, unhex(told.nonce), seed, device)), told.reveal);
});

test("a custodian's share of a withheld nonce is Python's, from the release time on and not before", async () => {
  const sealed = { message: told.commitment, device_key: hex(device.publicKey) };
  const commitment = drawing.withheld(told.told.id, sealed);
  const own = { custodian: 1, share: unhex(told.share), device };
  const facts = { seed: told.seed_digest, now: release };
  assert.equal(text(nonce.answer(commitment, key, own, facts, random())), told.answer);
  const early = { ...facts, now: release - 1n };
  assert.equal(await outcome(() => nonce.answer(commitment, key, own, early, random())), "draw.not_released");
  const other = { ...key, keyHash: new Uint8Array(32) };
  assert.equal(await outcome(() => nonce.answer(commitment, other, own, facts, random())), "draw.other_key");
});

test("what was changed, signed by another or of another draw is refused", async () => {
  const bytes = utf8(told.commitment);
  for (let at = 0; at < bytes.length; at += 31) {
    const changed = bytes.slice();
    changed[at] ^= 1;
    assert.notEqual(await outcome(() => nonce.read(changed, device.publicKey)), "ok", `byte ${at}`);
  }
  const stranger = deviceOf(new Uint8Array(32)).publicKey;
  assert.equal(await outcome(() => nonce.read(bytes, stranger)), "signed.bad_signature");
  const sealed = { message: told.commitment, device_key: hex(device.publicKey) };
  const elsewhere = told.told.lot_id;
  assert.equal(await outcome(() => drawing.withheld(elsewhere, sealed)), "draw.other_draw");
  assert.equal(await outcome(() => drawing.openingKey(utf8(told.transcript), "00".repeat(32))), "draw.untrusted_key");
});

test("a reveal needs a seed that was fixed", async () => {
  assert.equal(await outcome(() => drawing.seedOf(told.told.id, { ...told.told, checkpoint: null })), "draw.wrong_step");
});

test("the query to the time authority is RFC 3161's, over a digest that is fresh", () => {
  const [one, two] = [trustedTime.ask(random()), trustedTime.ask(seeded(unhex(told.seed), 1))];
  const before = "30390201013031300d060960864801650304020105000420";
  assert.equal(hex(one.query), `${before}${hex(one.digest)}0101ff`);
  assert.notDeepEqual(one.digest, two.digest);
});
