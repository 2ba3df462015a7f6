/** Sealed drafts of bids: docs/spec/client.md, section 4, written down once more with node's own cryptography. */
import assert from "node:assert/strict";
import { createDecipheriv, hkdfSync } from "node:crypto";
import { test } from "node:test";
import * as bytes from "../../api/static/js/lib/bytes.js";
import * as drafts from "../../api/static/js/lib/draft.js";
import { outcome, seeded } from "./vectors.mjs";

const SEED = seeded("draft")(32);
const PLACE = { lot: "0b54f1a0-6a5e-4b8e-9f5e-3a1f2c4d5e6f", bidder: "91152502MA0N7E8T0X", saved_at: 1795240000000 };
const CONTENT = { price: { values: { "price-price": "9876543.21" }, files: ["施工组织设计.pdf"] } };

test("a draft is what the specification says, to the byte", async () => {
  const sealed = await drafts.seal(SEED, PLACE, CONTENT, seeded("nonce"));
  const info = Buffer.concat([Buffer.from("ggzy/draft/v1\0"), Buffer.from(PLACE.lot.replaceAll("-", ""), "hex")]);
  const key = Buffer.from(hkdfSync("sha256", SEED, Buffer.alloc(0), info, 32));
  const machine = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
  const { lot, bidder, saved_at } = PLACE;
  machine.setAAD(Buffer.from(`{"bidder":"${bidder}","format":"ggzy/draft/v1","lot":"${lot}","saved_at":${saved_at}}`));
  machine.setAuthTag(sealed.subarray(-16));
  const plain = Buffer.concat([machine.update(sealed.subarray(12, -16)), machine.final()]);
  const content = Buffer.from('{"price":{"files":["施工组织设计.pdf"],"values":{"price-price":"9876543.21"}}}');
  assert.deepEqual(sealed.subarray(0, 12), seeded("nonce")(12));
  assert.equal(plain.length, 1024);
  assert.equal(plain.readUInt32BE(), content.length);
  assert.deepEqual(plain.subarray(4, 4 + content.length), content);
  assert.ok(plain.subarray(4 + content.length).every((byte) => byte === 0));
});

test("only the same device opens a draft, and only as the one that it is", async () => {
  const sealed = await drafts.seal(SEED, PLACE, CONTENT);
  assert.deepEqual(await drafts.open(SEED, PLACE, sealed), CONTENT);
  const other = { ...PLACE, lot: PLACE.lot.replace("0b", "0c") };
  for (const place of [other, { ...PLACE, bidder: "91152502MA0N7E8T0Y" }, { ...PLACE, saved_at: PLACE.saved_at + 1 }]) {
    assert.equal(await outcome(() => drafts.open(SEED, place, sealed)), "device.bad_draft");
  }
  assert.equal(await outcome(() => drafts.open(seeded("other")(32), PLACE, sealed)), "device.bad_draft");
  for (const place of [0, 12, sealed.length - 1]) {
    const changed = sealed.slice();
    changed[place] ^= 1;
    assert.equal(await outcome(() => drafts.open(SEED, PLACE, changed)), "device.bad_draft");
  }
  assert.equal(await outcome(() => drafts.open(SEED, PLACE, sealed.subarray(0, 5))), "device.bad_draft");
});

test("the length of a price does not show, and no draft is sealed alike twice", async () => {
  const lengths = ["1", "9876543.21"].map(async (price) => (await drafts.seal(SEED, PLACE, { price })).length);
  assert.deepEqual(await Promise.all(lengths), [12 + 1024 + 16, 12 + 1024 + 16]);
  const [one, other] = [await drafts.seal(SEED, PLACE, CONTENT), await drafts.seal(SEED, PLACE, CONTENT)];
  assert.equal(bytes.equal(one, other), false);
});
