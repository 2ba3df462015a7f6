/** Receipts held against a package, and receipts from paper: Python's vectors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bytes from "../../api/static/js/lib/bytes.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import { Holding } from "../../api/static/js/lib/verify/holding.js";
import * as receipts from "../../api/static/js/lib/verify/receipt.js";
import * as codes from "../../api/static/js/lib/verify/receipt_code.js";
import { outcome, read } from "./vectors.mjs";

await ready();
const { package: told, vectors } = read("filed/vectors.json");
const PACKAGE = new Holding(told.trade, told.package, told.log, new Map(Object.entries(told.indexes)));

test("every receipt gets the verdict that it gets in Python", async () => {
  for (const { name, receipt, code } of vectors) {
    const said = receipts.decode(bytes.utf8(receipt));
    assert.equal(await outcome(() => PACKAGE.checkReceipt(said)), code ?? "ok", name);
    if (code) continue;
    const detail = String(told.indexes[bytes.hex(said.commitment)] ?? told.entries);
    assert.deepEqual(PACKAGE.checkReceipt(said), { number: 8, name: "filed", detail });
  }
});

test("a line of a bundle is held against the package as far as its log went", async () => {
  const [commitment, index] = Object.entries(told.indexes)[1];
  const entry = { event: { kind: "bid.received" }, index, commitment: bytes.unhex(commitment) };
  const cases = [
    [entry, "ok"],
    [{ ...entry, index: index + 1 }, "bundle.not_filed"],
    [{ ...entry, commitment: new Uint8Array(32) }, "bundle.not_filed"],
    [{ ...entry, commitment: new Uint8Array(32), index: told.log }, "ok"],
    [{ ...entry, event: { kind: "trade.archived", data: {} } }, "package.not_as_filed"],
  ];
  for (const [opened, code] of cases) assert.equal(await outcome(() => PACKAGE.checkEntry(opened)), code);
});

test("the text of a QR code holds the receipt, and nothing else passes for one", async () => {
  const { text, files, malformed } = read("receipt_code/vectors.json");
  const [content, digest, token] = files.map(bytes.unbase64);
  assert.deepEqual(await codes.read(text), { content, digest, token, proof: null });
  assert.deepEqual(await codes.scanned(new Blob([`${text.slice(0, 900)}\r\n${text.slice(900)}\n`])), await codes.read(text));
  for (const { wrong, text: other } of malformed) {
    assert.equal(await outcome(() => codes.read(other)), "receipt.malformed", wrong);
  }
});
