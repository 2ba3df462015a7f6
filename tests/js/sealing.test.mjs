/** Sealing on the bidder's device: the vectors of tests/vectors/sealing, and whole bids to the last byte. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as bidfile from "../../api/static/js/lib/bidfile.js";
import { concat, hex, text, unhex, utf8 } from "../../api/static/js/lib/bytes.js";
import * as encapsulation from "../../api/static/js/lib/encapsulation.js";
import * as form from "../../api/static/js/lib/form.js";
import * as group from "../../api/static/js/lib/group.js";
import * as header from "../../api/static/js/lib/header.js";
import * as manifest from "../../api/static/js/lib/manifest.js";
import { paddedLength } from "../../api/static/js/lib/padding.js";
import { cipher, openBlock, sealBlock } from "../../api/static/js/lib/records.js";
import { sealBid } from "../../api/static/js/lib/sealing.js";
import { BodyHasher, bodyRoot } from "../../api/static/js/lib/segments.js";
import { deviceOf } from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as targets from "../../api/static/js/lib/target.js";
import { unseal } from "../../api/static/js/lib/unsealing.js";
import { outcome, read, seeded, shake } from "./vectors.mjs";

await ready();
const cases = (name) => read(`sealing/${name}.json`).cases;

test("lengths pad as listed", () => {
  for (const { length, padded } of cases("padding")) assert.equal(paddedLength(length), padded, `${length}`);
});

test("good headers have the listed hash; the others are refused as listed", async () => {
  for (const { name, expect, header: encoded, hash, fields } of cases("header")) {
    assert.equal(await outcome(() => header.parse(unhex(encoded))), expect, name);
    if (expect !== "ok") continue;
    const parsed = header.parse(unhex(encoded));
    assert.equal(hex(header.hashOf(header.encode(parsed))), hash);
    const { padded_length, key, point, ...rest } = fields;
    assert.deepEqual(parsed, { ...rest, key: unhex(key), point: unhex(point), paddedLength: padded_length });
  }
});

test("forms come out as listed", async () => {
  for (const { name, expect, form: encoded } of cases("form")) {
    assert.equal(await outcome(() => form.parse(utf8(encoded))), expect, name);
    if (expect === "ok") assert.equal(text(form.encode(form.parse(utf8(encoded)))), encoded);
  }
});

test("prices are read as people write them", async () => {
  const read = { "9876543.21": "9876543.21", "1,000": "1000.00", "0.5": "0.50", " 12 ": "12.00", "12，000.1": "12000.10" };
  for (const [written, price] of Object.entries(read)) assert.equal(form.readPrice(written), price);
  for (const bad of ["", "0", "0.00", "-1", "1.001", "1e5", "01", "1.", ".5", "１２", "1".repeat(16)]) {
    assert.equal(await outcome(() => form.readPrice(bad)), "bid.bad_price", bad);
  }
});

test("from the private key to the payload key, every step as listed", () => {
  for (const { name, expect, header: encoded, wrap, ...listed } of cases("keys")) {
    const given = Object.fromEntries(Object.entries(listed).map(([key, value]) => [key, unhex(value)]));
    const parsed = header.parse(unhex(encoded));
    const hash = header.hashOf(unhex(encoded));
    const preamble = { proof: given.proof, commitment: given.commitment, wrap: wrap && unhex(wrap) };
    assert.deepEqual(group.mult(given.opening_private_key, parsed.point), given.shared);
    assert.deepEqual(encapsulation.bidderSecret(given.bidder_master_secret, hash), given.bidder_secret);
    encapsulation.verify(parsed, hash, preamble);
    const key = encapsulation.unlock(parsed, hash, preamble, given.shared, given.bidder_secret);
    assert.equal(hex(key), hex(given.payload_key), `${name} ${expect}`);
    if (wrap) assert.deepEqual(encapsulation.unlockAlone(parsed, hash, preamble, given.bidder_secret), key);
  }
});

test("records have the listed ciphertext, and none is taken at another's place", async () => {
  for (const { name, expect, suite, key, plain, sealed_sha256, pieces } of cases("stream")) {
    const clear = shake(plain);
    const records = await cipher(suite, unhex(key));
    const sealed = concat(...(await sealBlock(records, clear, 0, 3)));
    assert.equal(sha256(sealed), sealed_sha256);
    if (expect === "bid.truncated" || expect === "bid.extended") continue; // judged by length, see below
    const arranged = concat(...pieces.map(([from, to]) => sealed.subarray(from, to)));
    assert.equal(await outcome(() => openBlock(records, arranged, 0, 3)), expect, name);
    if (expect === "ok") assert.deepEqual(concat(...(await openBlock(records, arranged, 0, 3))), clear);
  }
});

test("roots of bodies and parts are as listed, whatever the chunks", async () => {
  for (const { body, root, parts } of cases("segments")) {
    const written = [];
    const hasher = new BodyHasher((segment) => written.push(segment.slice()));
    const bytes = shake(body);
    for (let place = 0; place < bytes.length; place += 65552) hasher.update(bytes.subarray(place, place + 65552));
    const found = await hasher.finish();
    assert.deepEqual(found.map((part) => [hex(part.root), part.size]), parts); // prettier-ignore
    assert.equal(hex(bodyRoot(found)), root);
    assert.equal(sha256(concat(...written)), sha256(bytes));
  }
  assert.equal(await outcome(() => bodyRoot([])), "bid.bad_parts");
  const short = { root: new Uint8Array(32), size: 5 };
  assert.equal(await outcome(() => bodyRoot([short, short])), "bid.bad_parts");
});

test("manifests are read or refused as listed", async () => {
  const beyond = /other_|missing_|repeated_|unexpected_/; // for whom a bid is, only the platform judges
  for (const { name, expect, manifest: encoded, signature } of cases("manifest")) {
    const found = await outcome(() => manifest.verify(utf8(encoded), unhex(signature)));
    assert.equal(found, beyond.test(expect) ? "ok" : expect, name);
  }
});

test("whole bids are the same to the last byte as Python's, and open again", async () => {
  for (const given of cases("bid")) {
    const { file, sealed } = await seal(given);
    assert.equal(text(sealed.manifest), given.manifest, given.name);
    assert.equal(hex(sealed.signature), given.signature);
    assert.deepEqual([file.length, sealed.size, sha256(file)], [given.size, given.size, given.sha256]);
    const opened = await open(new Blob([file]), given);
    assert.deepEqual(opened, given.files.map((one) => [one.name, sha256(shake(one))])); // prettier-ignore
  }
});

test("a file that is no longer what was sealed is refused", async () => {
  const given = cases("bid")[0];
  const { file } = await seal(given);
  const { offset } = await bidfile.read(new Blob([file]));
  const flipped = file.slice();
  flipped[offset + 70000] ^= 1;
  assert.equal(await outcome(() => open(new Blob([flipped]), given)), "bid.bad_record");
  assert.equal(await outcome(() => bidfile.read(new Blob([file.subarray(0, -1)]))), "bid.truncated");
  assert.equal(await outcome(() => bidfile.read(new Blob([file, "x"]))), "bid.extended");
  assert.equal(await outcome(() => bidfile.read(new Blob(["%PDF-1.7"]))), "bid.not_sealed");
  assert.equal(await outcome(() => bidfile.read(new Blob([]))), "bid.not_sealed");
});

test("plans that do not fit the lot, and keys that no custodian made, are refused", async () => {
  const given = cases("bid")[0];
  const [technical, price] = given.forms;
  assert.equal(await outcome(() => seal(given, [technical])), "seal.missing_envelope");
  assert.equal(await outcome(() => seal(given, [technical, price, price])), "seal.unexpected_envelope");
  const target = JSON.parse(given.target);
  for (const change of [{ opening_key: "01" + "00".repeat(31) }, { policy: "anybody" }, { envelopes: [] }, { x: 1 }]) {
    const bad = JSON.stringify(Object.fromEntries(Object.entries({ ...target, ...change }).sort()));
    assert.equal(await outcome(() => targets.parse(utf8(bad))), "bid.bad_target");
  }
});

test("names that an opener may not know or could misread are refused", async () => {
  const bad = ["../a", "a/b", "a:b", ".", "..", "a.", " a", "a ", "a\u202eb", "e\u0301", "a\u0000", "\u{1f600}.pdf", "长".repeat(86)]; // prettier-ignore
  for (const name of bad) {
    const files = [{ name, size: 1, media_type: "text/plain" }];
    assert.equal(await outcome(() => form.encode({ kind: "technical", files })), "bid.bad_file_name", name);
  }
  const twice = ["Straße.pdf", "STRASSE.PDF"].map((name) => ({ name, size: 1, media_type: "text/plain" }));
  assert.equal(await outcome(() => form.encode({ kind: "technical", files: twice })), "bid.repeated_file");
});

test("whatever bytes come, a parser gives its refusal or a value that is written as those very bytes", async () => {
  const random = seeded("malformed");
  const place = (size) => new DataView(random(4).buffer).getUint32(0) % size;
  const { cases: manifests } = read("sealing/manifest.json");
  const readers = [
    [unhex(cases("header")[0].header), (data) => header.encode(header.parse(data))],
    [utf8(manifests[0].manifest), (data) => manifest.encode(manifest.parse(data))],
    [utf8(cases("form")[0].form), (data) => form.encode(form.parse(data))],
    [utf8(cases("bid")[0].target), (data) => (targets.parse(data), data)],
  ];
  for (const [good, again] of readers) {
    for (let round = 0; round < 400; round += 1) {
      const data = good.slice(0, round % 5 === 0 ? place(good.length) : good.length);
      for (let change = 0; data.length && change <= round % 3; change += 1) data[place(data.length)] ^= 1 << place(8);
      const call = () => assert.deepEqual(again(data), data);
      await outcome(call); // throws whatever is no refusal
    }
  }
});

async function seal(given, forms = given.forms) {
  const target = targets.parse(utf8(given.target));
  const held = given.files.map((one) => new File([shake(one)], one.name, { type: one.media_type }));
  const plans = forms.map((one) => ({ form: bare(one), files: one.kind === "technical" ? held : [] }));
  const device = deviceOf(unhex(given.device_seed));
  const bidder = { uscc: given.bidder, device, secret: unhex(given.bidder_master_secret) };
  const file = new Uint8Array(given.size);
  const write = (bytes, at) => file.set(bytes, at);
  const previous = given.previous && unhex(given.previous);
  const random = seeded(given.entropy_seed);
  return { file, sealed: await sealBid(target, plans, bidder, { write, suite: given.suite, previous, random }) };
}

function bare({ format, ...fields }) {
  return fields;
}

async function open(file, given) {
  const bid = await bidfile.read(file);
  manifest.verify(bid.encoded, bid.signature);
  const found = [];
  let place = bid.offset;
  for (const { header: head, headerBytes, preamble, length } of bid.manifest.envelopes) {
    const hash = header.hashOf(headerBytes);
    const shared = group.mult(unhex(given.opening_private_key), head.point);
    const secret = encapsulation.bidderSecret(unhex(given.bidder_master_secret), hash);
    const key = encapsulation.unlock(head, hash, preamble, shared, secret);
    for await (const event of unseal(head, key, file.slice(place, place + length))) {
      if ("entry" in event) found.push([event.entry.name, createHash("sha256")]);
      if ("bytes" in event) found.at(-1)[1].update(event.bytes);
    }
    place += length;
  }
  return found.map(([name, hash]) => [name, hash.digest("hex")]);
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
