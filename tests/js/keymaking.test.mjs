/** Key making in JavaScript: the same bytes as Python's, and the same refusals of everything that is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, text, unhex, utf8 } from "../../api/static/js/lib/bytes.js";
import * as complaint from "../../api/static/js/lib/complaint.js";
import * as group from "../../api/static/js/lib/group.js";
import * as keymaking from "../../api/static/js/lib/keymaking.js";
import * as keysetup from "../../api/static/js/lib/keysetup.js";
import * as opening from "../../api/static/js/lib/opening.js";
import { deviceOf } from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as transcript from "../../api/static/js/lib/transcript.js";
import { outcome, read, seeded } from "./vectors.mjs";

await ready();
const SEED = utf8("ggzy keymaking vectors v1");
const making = read("keymaking/making.json");
const setup = keysetup.read(utf8(making.setup));
const devices = making.device_seeds.map((seed) => deviceOf(unhex(seed)));
const deals = making.deals.map(utf8);

test("a device deals the same bytes as Python, given the same randomness", () => {
  const random = seeded(SEED, 4); // three devices and the id of the ceremony were drawn before
  for (const [at, device] of devices.entries()) assert.equal(text(keymaking.deal(setup, device, random)), making.deals[at]);
});

test("every device comes to its shares, its certificate and the one transcript", () => {
  assert.equal(hex(keysetup.context(setup)), making.context);
  assert.equal(keysetup.digest(setup), making.setup_digest);
  for (const [at, device] of devices.entries()) {
    const received = keymaking.receive(setup, device, deals);
    assert.deepEqual(received.shares.map(hex), making.shares[at]);
    assert.equal(text(transcript.certify(setup, received, device)), making.certificates[at]);
  }
  const whole = transcript.finish(setup, keymaking.collect(setup, deals), making.certificates.map(utf8));
  assert.equal(text(whole), making.transcript);
  const made = transcript.verify(whole);
  assert.equal(hex(made.hash), making.transcript_hash);
  const keys = made.keys.map(({ keyHash, publicKey, verificationShares }) => {
    return { key_hash: hex(keyHash), public_key: hex(publicKey), verification_shares: verificationShares.map(hex) };
  });
  assert.deepEqual(keys, making.keys);
});

test("deals, transcripts and complaints are refused as Python refuses them", async () => {
  const told = read("keymaking/deals.json");
  for (const one of told.cases) {
    const said = await outcome(() => keymaking.checkDeal(keysetup.read(utf8(told.setup)), utf8(one.deal)));
    assert.equal(said, one.expect, one.name);
  }
  for (const one of read("keymaking/transcripts.json").cases) {
    assert.equal(await outcome(() => transcript.verify(utf8(one.transcript))), one.expect, one.name);
  }
  const said = read("keymaking/complaints.json");
  for (const one of said.cases) {
    const got = await outcome(() => complaint.check(setup, utf8(one.deal), utf8(one.complaint)));
    assert.equal(got, one.expect, one.name);
  }
});

test("a share that does not fit is found out, and the complaint about it is the evidence that Python makes", async () => {
  for (const one of read("keymaking/complaints.json").cases.filter(({ expect }) => expect === "ok")) {
    const messages = [deals[0], utf8(one.deal), deals[2]];
    assert.equal(await outcome(() => keymaking.receive(setup, devices[2], messages)), "keymaking.bad_share", one.name);
    const lie = utf8(one.name.replace("true: ", ""));
    const random = seeded(Uint8Array.of(...SEED, ...lie), 0);
    assert.equal(text(complaint.write(setup, devices[2], utf8(one.deal), random)), one.complaint);
  }
});

test("deals that are missing, doubled or of another setup make nothing", async () => {
  const [first, second, third] = deals;
  for (const messages of [[first, second], [first, second, second], [first, second, third, third]]) {
    assert.equal(await outcome(() => keymaking.receive(setup, devices[0], messages)), "keymaking.deals_missing");
  }
  const other = { ...setup, sandbox: !setup.sandbox };
  assert.equal(await outcome(() => keymaking.receive(other, devices[0], deals)), "keymaking.wrong_setup");
  const stranger = deviceOf(new Uint8Array(32));
  assert.equal(await outcome(() => keymaking.deal(setup, stranger, seeded(SEED, 0))), "keymaking.not_a_custodian");
});

test("a certificate over another transcript is itself the evidence", async () => {
  const collected = keymaking.collect(setup, deals);
  const twisted = [{ ...collected[0], digest: "00".repeat(32) }, ...collected.slice(1)];
  const certificates = making.certificates.map(utf8);
  assert.equal(await outcome(() => transcript.finish(setup, twisted, certificates)), "keymaking.transcripts_differ");
  const few = await outcome(() => transcript.finish(setup, collected, certificates.slice(1)));
  assert.equal(few, "keymaking.certificates_missing");
});

test("setups are read strictly", async () => {
  const fields = JSON.parse(making.setup);
  const [one, two, three] = fields.custodians;
  const wrong = [
    { threshold: 3 }, { threshold: 1 }, { count: 0 }, { count: 257 }, { suite: "other" }, { note: 1 },
    { ceremony: fields.ceremony.toUpperCase() }, { custodians: [one, two] }, { custodians: [two, one, three] },
    { custodians: [one, { ...two, device_key: one.device_key }, three] },
    { custodians: [one, { ...two, device_key: `01${"00".repeat(31)}` }, three] },
    { custodians: [one, { ...two, name: "" }, three] },
  ]; // prettier-ignore
  for (const change of wrong) {
    assert.equal(await outcome(() => keysetup.convert({ ...fields, ...change })), "keymaking.bad_setup", JSON.stringify(change));
  }
  assert.equal(await outcome(() => keysetup.read(utf8(`${making.setup} `))), "keymaking.bad_setup");
});

test("shares are proved as Python proves them, checked, and combine to K whichever two are taken", async () => {
  const told = read("keymaking/shares.json");
  const [keyHash, header, point] = [told.key_hash, told.header_hash, told.point].map(unhex);
  const random = seeded(Uint8Array.of(...SEED, ...utf8("shares")), 1); // r was drawn before
  const images = new Map();
  for (const index of [1, 2, 3]) {
    const context = opening.shareContext(keyHash, header, index);
    const made = opening.partial(unhex(making.shares[index - 1][0]), point, context, random);
    assert.deepEqual([hex(made.image), hex(made.proof)], [told.cases[index - 1].image, told.cases[index - 1].proof]);
    images.set(index, made.image);
  }
  for (const one of told.cases) {
    const context = opening.shareContext(keyHash, header, one.custodian);
    const known = unhex(told.verification_shares[one.custodian - 1]);
    const said = await outcome(() => opening.checkPartial(known, point, unhex(one.image), unhex(one.proof), context));
    assert.equal(said, one.expect, one.name);
  }
  for (const left of [1, 2, 3]) {
    const two = new Map([...images].filter(([index]) => index !== left));
    assert.equal(hex(opening.combine(two, 2)), told.shared);
  }
  assert.equal(await outcome(() => opening.combine(new Map([[1, images.get(1)]]), 2)), "opening.too_few_shares");
});

test("what is no scalar, no point and no proof is refused", async () => {
  const order = unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (const scalar of [group.ZERO, order, new Uint8Array(31), new Uint8Array(32).fill(255)]) {
    assert.equal(await outcome(() => group.checkScalar(scalar)), "group.bad_scalar");
  }
  for (const point of [group.ONE, group.ZERO, new Uint8Array(33), new Uint8Array(32).fill(255)]) {
    assert.equal(await outcome(() => group.checkPoint(point)), "group.bad_point");
  }
  const point = group.baseMult(group.ONE);
  const zero = new Uint8Array(64);
  assert.equal(await outcome(() => group.verifyKnowledge(point, zero, group.ONE)), "group.bad_proof");
  assert.equal(await outcome(() => group.verifyKnowledge(point, zero.subarray(1), group.ONE)), "group.bad_proof");
});
