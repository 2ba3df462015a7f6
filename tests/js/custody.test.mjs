/** A custodian's device as it lives in the Worker, against messages and requests that Python wrote. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DrawingDevice } from "../../api/static/js/custody/drawing_device.js";
import { hex, text, unhex, utf8 } from "../../api/static/js/lib/bytes.js";
import * as keyfile from "../../api/static/js/lib/keyfile.js";
import * as keysetup from "../../api/static/js/lib/keysetup.js";
import * as nonce from "../../api/static/js/lib/nonce.js";
import * as remembered from "../../api/static/js/lib/remembered.js";
import { deviceOf } from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as transcript from "../../api/static/js/lib/transcript.js";
import { outcome, read } from "./vectors.mjs";

await ready();
const WEAK = { strength: { memory: 8192, passes: 1 } };
const making = read("keymaking/making.json");
const requests = read("opening/requests.json");
const draw = read("opening/nonces.json");
const [honest] = requests.cases;

/** The browser's storage, which several pages share. */
function store() {
  const files = new Map();
  return {
    files,
    writes: 0,
    kept: async (key) => files.get(key) ?? null,
    async keep(key, file) {
      this.writes += 1;
      files.set(key, file);
    },
    alone: (_key, work) => work(),
  };
}

/** A device whose key file was opened. */
async function opened(seed, shared = store(), more = []) {
  const key = hex(deviceOf(unhex(seed)).publicKey);
  const file = keyfile.encrypt(new Map([["device-seed", unhex(seed)], ...more]), "口令", WEAK);
  const device = new DrawingDevice(shared, () => undefined);
  await device.unlock(shared.files.has(key) ? null : file, "口令", key);
  return { device, shared, key, file };
}

function asked(one = honest) {
  const { lot, stage } = JSON.parse(one.stamped).request;
  return { stamped: one.stamped, transcript: requests.transcript, lot, stage, chain: requests.chain, vkey: requests.vkey };
}

async function holder(shared) {
  const made = transcript.verify(utf8(requests.transcript));
  const shares = remembered.withShares(new Map(), made.hash, {
    index: 1,
    shares: [new Uint8Array(32), unhex(requests.share)],
  });
  return opened(requests.device_seed, shared, [...shares]);
}

test("a key file is opened by its passphrase, for the device that its owner has enrolled, and kept encrypted", async () => {
  const { device, shared, key, file } = await opened(making.device_seeds[0]);
  assert.equal(shared.files.get(key), file);
  assert.equal(await device.unlock(null, "口令", key), keysetup.fingerprint(unhex(key)));
  assert.equal(await outcome(() => device.unlock(file, "口令", "00".repeat(32))), "custody.other_device");
  assert.equal(await outcome(() => device.unlock(file, "别的", key)), "keyfile.wrong_passphrase");
  assert.equal(await outcome(() => new DrawingDevice(store(), () => {}).unlock(null, "口令", key)), "keyfile.not_found");
});

test("who is compared is who stands in the setup that the device will sign", async () => {
  const { device } = await opened(making.device_seeds[0]);
  const { ceremony, custodians } = JSON.parse(making.setup);
  const people = device.inspect(making.setup, ceremony);
  assert.deepEqual(people.map(({ name }) => name), custodians.map(({ name }) => name));
  assert.equal(people[1].fingerprint, keysetup.fingerprint(unhex(custodians[1].device_key)));
  const other = "22222222-2222-4222-8222-222222222222";
  assert.equal(await outcome(() => device.inspect(making.setup, other)), "keymaking.wrong_setup");
  const { device: stranger } = await opened("07".repeat(32));
  assert.equal(await outcome(() => stranger.inspect(making.setup, ceremony)), "keymaking.not_a_custodian");
});

test("shares are kept before the certificate, and the certificate waits for a proven backup", async () => {
  const { device, shared, key, file } = await opened(making.device_seeds[0]);
  const { transcript: hash } = await device.receive(making.setup, making.deals);
  assert.equal(hash, making.transcript_hash);
  assert.ok(keyfile.decrypt(shared.files.get(key), "口令").has(`shares:${hash}`));
  assert.equal(await outcome(() => device.certify(making.setup, making.deals)), "custody.no_backup");
  assert.equal(await outcome(() => device.prove(file, hash)), "custody.bad_backup");
  device.prove(device.backup(), hash);
  assert.equal(device.certify(making.setup, making.deals), making.certificates[0]);
  const made = device.finish(making.setup, making.deals, making.certificates);
  assert.deepEqual(made, { transcript: hash, keys: 2, held: true });
  const writes = shared.writes;
  await device.receive(making.setup, making.deals); // again after a reload: nothing new to keep
  assert.equal(shared.writes, writes);
});

test("a wrong share leads to a complaint, and nothing is kept", async () => {
  const { device, shared } = await opened(making.device_seeds[2]);
  const lie = read("keymaking/complaints.json").cases[0].deal;
  const writes = shared.writes;
  const answer = await device.receive(making.setup, [making.deals[0], lie, making.deals[2]]);
  assert.deepEqual([answer.dealer, JSON.parse(answer.complaint).dealer, shared.writes], [2, 2, writes]);
});

test("a deal is the device's own, and made anew each time", async () => {
  const { device, key } = await opened(making.device_seeds[1]);
  const [one, two] = [device.deal(making.setup), device.deal(making.setup)].map((deal) => JSON.parse(deal));
  assert.equal(keysetup.indexOf(keysetup.read(utf8(making.setup)), unhex(key)), one.dealer);
  assert.notEqual(one.ephemeral, two.ephemeral);
});

test("shares for an opening are given for what was examined, and remembered first", async () => {
  const { device, shared, key } = await holder(store());
  assert.equal(await outcome(() => device.answer()), "custody.nothing_examined");
  const seen = await device.examine(asked());
  assert.deepEqual([seen.index, seen.envelopes, seen.bids.length, seen.question], [1, 2, 2, undefined]);
  const { message, given, refused } = await device.answer();
  assert.deepEqual([JSON.parse(message).custodian, given, refused], [1, 2, []]);
  const kept = keyfile.decrypt(shared.files.get(key), "口令");
  assert.notEqual(remembered.newestSeen(kept, seen.lot), null);
  await device.examine(asked()); // the same request as often as asked
  const other = requests.cases.find(({ name }) => name.startsWith("one envelope"));
  assert.equal(await outcome(() => device.examine(asked(other))), "custodian.other_request");
  const moved = requests.cases.find(({ name }) => name === "a moved deadline");
  assert.equal(await outcome(() => device.examine(asked(moved))), "custodian.other_request");
});

test("requests for another place, another transcript or a key whose share is not held are refused", async () => {
  const { device } = await holder(store());
  const elsewhere = { ...asked(), lot: "33333333-3333-4333-8333-333333333333" };
  assert.equal(await outcome(() => device.examine(elsewhere)), "custodian.other_bid");
  assert.equal(await outcome(() => device.examine({ ...asked(), stage: 2 })), "custodian.other_bid");
  assert.equal(await outcome(() => device.examine({ ...asked(), transcript: making.transcript })), "transcript.malformed");
  const { device: stranger } = await opened(making.device_seeds[0]);
  assert.equal(await outcome(() => stranger.examine(asked())), "custody.no_share");
});

test("two pages of one browser lose nothing, and cannot be made to answer two requests", async () => {
  const shared = store();
  const [one, two] = [await holder(shared), await holder(shared)];
  await one.device.keep(new Map([...one.device.secrets, ["first", new Uint8Array([1])]]));
  await two.device.keep(new Map([...two.device.secrets, ["second", new Uint8Array([2])]]));
  const kept = keyfile.decrypt(shared.files.get(one.key), "口令");
  assert.ok(["first", "second"].every((name) => kept.has(name)));
  const other = requests.cases.find(({ name }) => name.startsWith("one envelope"));
  await one.device.examine(asked());
  await two.device.examine(asked(other));
  await one.device.answer();
  assert.equal(await outcome(() => two.device.answer()), "custodian.other_request");
});

test("an older copy of the file adds what it knows and takes nothing away", async () => {
  const { device, shared, key, file } = await opened(making.device_seeds[0]);
  const { transcript: hash } = await device.receive(making.setup, making.deals);
  const later = new DrawingDevice(shared, () => undefined);
  await later.unlock(file, "口令", key);
  assert.ok(later.secrets.has(`shares:${hash}`));
  assert.ok(keyfile.decrypt(shared.files.get(key), "口令").has(`shares:${hash}`));
});

test("a nonce is kept before it is committed to, once; its seed before it is revealed", async () => {
  const { device, shared, key } = await opened(draw.device_seed);
  assert.equal(await outcome(() => device.reveal(draw.told)), "draw.no_nonce");
  const message = await device.commit(draw.told, draw.transcript, "centre");
  const kept = keyfile.decrypt(shared.files.get(key), "口令").get(`draw-nonce:${draw.told.id}`);
  assert.equal(nonce.read(utf8(message), unhex(key)).role, "centre");
  await device.commit(draw.told, draw.transcript, "centre");
  assert.deepEqual(device.secrets.get(`draw-nonce:${draw.told.id}`), kept);
  assert.equal(JSON.parse(await device.reveal(draw.told)).nonce, hex(kept));
  assert.equal(hex(device.secrets.get(`draw-seed:${draw.told.id}`)), draw.seed_digest);
  const second = { ...draw.told, checkpoint: "another note\n" };
  assert.equal(await outcome(() => device.reveal(second)), "draw.other_seed");
  const untrusted = { ...draw.told, key_hash: "00".repeat(32) };
  assert.equal(await outcome(() => device.commit(untrusted, draw.transcript, "centre")), "draw.untrusted_key");
});

test("a withheld nonce is helped with only by a token over the device's own fresh digest", async () => {
  const { device } = await holder(store());
  const sealed = [{ message: draw.commitment, device_key: hex(deviceOf(unhex(draw.device_seed)).publicKey), ...draw.told }];
  const receipt = read("receipt/vectors.json");
  const stale = Uint8Array.from(Buffer.from(receipt.vectors[0].files[2], "base64"));
  const recover = () => device.recover(draw.told.id, sealed, draw.transcript, stale, receipt.chain);
  assert.equal(await outcome(recover), "timestamp.wrong_digest");
  assert.equal(text(device.askTime().slice(0, 2)), "09");
  assert.equal(await outcome(recover), "timestamp.wrong_digest");
});
