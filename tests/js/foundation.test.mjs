/** Canonical JSON, signed messages, key files, Merkle trees: the foundation of everything that a device does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bytes from "../../api/static/js/lib/bytes.js";
import * as canonical from "../../api/static/js/lib/canonical.js";
import * as keyfile from "../../api/static/js/lib/keyfile.js";
import * as merkle from "../../api/static/js/lib/merkle.js";
import * as signed from "../../api/static/js/lib/signed.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import { size } from "../../api/static/js/size.js";
import { outcome, read } from "./vectors.mjs";

await ready();
const WEAK = { memory: 8192, passes: 1 };

test("canonical JSON refuses every other spelling", async () => {
  const others = [
    '{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"a":1}\n', '"\\u4e2d"', "1.0", "1e2", "NaN", "-0", '"\\ud800"',
    "9007199254740993", "[".repeat(5000) + "]".repeat(5000), "", "[".repeat(33) + "]".repeat(33), '\ufeff{"a":1}', "1.5",
  ]; // prettier-ignore
  for (const other of others) {
    assert.equal(await outcome(() => canonical.decode(bytes.utf8(other))), "canonical.malformed", other.slice(0, 40));
  }
  assert.equal(await outcome(() => canonical.decode(new Uint8Array([0x22, 0xff, 0x22]))), "canonical.malformed");
});

test("what has no canonical form is refused", async () => {
  for (const value of [1.5, { a: [0.5] }, new Uint8Array(1), 2 ** 60, { "\ud800": 1 }, undefined, new Date(), 1n]) {
    assert.equal(await outcome(() => canonical.encode(value)), "canonical.unsupported");
  }
});

test("members stand in the order of their UTF-16 units, and everything comes back", () => {
  assert.deepEqual(canonical.encode({ "\ufb33": 1, "\u{1f600}": 2 }), bytes.utf8('{"\u{1f600}":2,"\ufb33":1}'));
  const value = { z: [1, -2, null, true, "\u2028\u007f\b\u001f\"\\"], a: { 名称: "标段" }, ["__proto__x"]: {} };
  assert.deepEqual(canonical.decode(canonical.encode(value)), value);
  const depth32 = bytes.utf8("[".repeat(32) + "]".repeat(32));
  assert.deepEqual(canonical.encode(canonical.decode(depth32)), depth32);
  const hostile = bytes.utf8('{"__proto__":{"a":1}}');
  assert.deepEqual(canonical.encode(canonical.decode(hostile)), hostile);
});

test("integers are big-endian and refuse what does not fit", async () => {
  assert.equal(bytes.hex(bytes.u32(65536)), "00010000");
  assert.equal(bytes.hex(bytes.u64(2 ** 40)), "0000010000000000");
  assert.equal(bytes.integer(bytes.u64(2n ** 64n - 1n)), 2n ** 64n - 1n);
  for (const bad of [-1, 2 ** 32, 1.5]) assert.equal(await outcome(() => bytes.u32(bad)), "bytes.bad_integer");
  for (const bad of ["0", "AA", "zz", "0 "]) assert.equal(await outcome(() => bytes.unhex(bad)), "bytes.not_hex");
  assert.deepEqual(bytes.unbase64(bytes.base64(bytes.utf8("标段"))), bytes.utf8("标段"));
});

test("key files written by Python open here, and the other way round it is the same file", async () => {
  const { cases } = read("keyfile/keyfile.json");
  for (const { name, expect, file, passphrase, secrets } of cases) {
    const data = bytes.utf8(file);
    assert.equal(await outcome(() => keyfile.decrypt(data, passphrase)), expect, name);
    if (expect !== "ok") continue;
    const opened = keyfile.decrypt(data, passphrase);
    assert.deepEqual(Object.fromEntries([...opened].map(([key, value]) => [key, bytes.hex(value)])), secrets);
    const wire = JSON.parse(file);
    const random = (size) => bytes.unhex(size === 16 ? wire.kdf.salt : wire.nonce);
    const again = keyfile.encrypt(opened, passphrase, { strength: keyfile.strengthOf(data), random });
    assert.equal(bytes.text(again), file);
  }
});

test("a secret is never overwritten, and a key file keeps what it holds", async () => {
  const made = keyfile.create();
  const more = keyfile.withSecret(made, "shares:00", new Uint8Array([1]));
  assert.equal(await outcome(() => keyfile.withSecret(more, "shares:00", new Uint8Array([2]))), "keyfile.repeated_secret");
  const opened = keyfile.decrypt(keyfile.encrypt(more, "口令", { strength: WEAK }), "口令");
  assert.deepEqual([...opened.keys()].sort(), ["bidder-secret", "device-seed", "shares:00"]);
  assert.equal(await outcome(() => keyfile.secretOf(opened, "other")), "keyfile.no_secret");
  const bad = new Map([["Bad name", new Uint8Array(1)]]);
  assert.equal(await outcome(() => keyfile.encrypt(bad, "p", { strength: WEAK })), "keyfile.bad_secret");
});

test("signed messages verify, and only whole", async () => {
  const device = signed.deviceOf(bytes.unhex("01".repeat(32)));
  const data = signed.write({ format: "test/v1", value: 1 }, device);
  const message = signed.read(data, "test/v1", 4096);
  signed.verify(message, device.publicKey);
  const other = signed.deviceOf(bytes.unhex("02".repeat(32)));
  assert.equal(await outcome(() => signed.verify(message, other.publicKey)), "signed.bad_signature");
  assert.equal(await outcome(() => signed.verify(message, new Uint8Array(5))), "signed.bad_signature");
  assert.equal(await outcome(() => signed.read(data, "test/v2", 4096)), "signed.malformed");
  assert.equal(await outcome(() => signed.read(data, "test/v1", 10)), "signed.malformed");
  assert.equal(await outcome(() => signed.read(bytes.utf8("[]"), "test/v1", 10)), "signed.malformed");
});

test("signatures over Python's custody messages hold", () => {
  const making = read("keymaking/making.json");
  const device = signed.deviceOf(bytes.unhex(making.device_seeds[0]));
  const certificate = bytes.utf8(making.certificates[0]);
  const message = signed.read(certificate, "ggzy/key-certificate/v1", 65536);
  signed.verify(message, device.publicKey);
  assert.deepEqual(signed.write(message.fields, device), certificate);
});

test("every inclusion and consistency proof of small trees holds, and no other", async () => {
  const leaves = Array.from({ length: 17 }, (_, place) => merkle.leafHash(new Uint8Array([place])));
  for (let size = 1; size <= leaves.length; size += 1) {
    const whole = merkle.root(leaves.slice(0, size));
    for (let index = 0; index < size; index += 1) {
      const proof = path(leaves.slice(0, size), index);
      merkle.verifyInclusion(leaves[index], index, size, proof, whole);
      const wrong = () => merkle.verifyInclusion(leaves[index], (index + 1) % 17, size, proof, whole);
      assert.equal(await outcome(wrong), "merkle.not_included");
    }
    for (let old = 0; old <= size; old += 1) {
      const before = merkle.root(leaves.slice(0, old));
      const proof = old === 0 || old === size ? [] : extension(leaves.slice(0, size), old, true);
      merkle.verifyConsistency(old, before, size, whole, proof);
      const wrong = () => merkle.verifyConsistency(old, merkle.leafHash(whole), size, whole, proof);
      assert.equal(await outcome(wrong), "merkle.not_consistent");
    }
  }
});

/** RFC 6962 section 2.1.1. */
function path(leaves, index) {
  if (leaves.length === 1) return [];
  const middle = split(leaves.length);
  return index < middle
    ? [...path(leaves.slice(0, middle), index), merkle.root(leaves.slice(middle))]
    : [...path(leaves.slice(middle), index - middle), merkle.root(leaves.slice(0, middle))];
}

/** RFC 6962 section 2.1.2. */
function extension(leaves, old, whole) {
  if (old === leaves.length) return whole ? [] : [merkle.root(leaves)];
  const middle = split(leaves.length);
  return old <= middle
    ? [...extension(leaves.slice(0, middle), old, whole), merkle.root(leaves.slice(middle))]
    : [...extension(leaves.slice(middle), old - middle, false), merkle.root(leaves.slice(0, middle))];
}

function split(size) {
  return 2 ** (Math.ceil(Math.log2(size)) - 1);
}

test("sizes are decimal, as the filter of the pages tells them", () => {
  const told = [[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [8388608, "8.4 MB"], [2 ** 31, "2.1 GB"], [5e12, "5000.0 GB"]];
  for (const [bytes, text] of told) assert.equal(size(bytes), text);
});
