/** The offline checks of the browser: notes, checkpoints, proofs, events, tokens and receipts, by Python's vectors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as bytes from "../../api/static/js/lib/bytes.js";
import { leafHash } from "../../api/static/js/lib/merkle.js";
import { Refusal } from "../../api/static/js/lib/refusal.js";
import { ready } from "../../api/static/js/lib/sodium.js";
import * as events from "../../api/static/js/lib/verify/event.js";
import * as notes from "../../api/static/js/lib/verify/note.js";
import * as proofs from "../../api/static/js/lib/verify/proof.js";
import * as receipts from "../../api/static/js/lib/verify/receipt.js";
import * as tiles from "../../api/static/js/lib/verify/tiles.js";
import * as timestamp from "../../api/static/js/lib/verify/timestamp.js";
import { outcome, read } from "./vectors.mjs";

await ready();
const LOG = read("log/good.json");
const RECEIPTS = read("receipt/vectors.json");
const PARSERS = {
  note: notes.parse,
  checkpoint: notes.parseCheckpoint,
  proof: proofs.parse,
  vkey: notes.parseKey,
  event: (text) => events.decode(bytes.utf8(text)),
};

test("every malformed input meets the refusal that it meets in Python", async () => {
  const known = read("log/malformed.json").filter(({ parser }) => parser !== "tile"); // paths are written here, never read
  for (const { parser, wrong, input, code } of known) {
    assert.equal(await outcome(() => PARSERS[parser](input)), code, `${parser}: ${wrong}`);
  }
});

test("openings, checkpoint, proofs, tiles and consistency of a good log fit together", () => {
  const key = notes.parseKey(LOG.vkey);
  const head = notes.checkCheckpoint(LOG.checkpoint + LOG.cosignature, key);
  const roots = LOG.roots.map(bytes.unhex);
  assert.deepEqual(head.root, roots[head.size]);
  LOG.openings.forEach((opening, index) => {
    const { event, commitment } = events.open(JSON.parse(opening.event), opening.salt);
    assert.equal(event.data.number, index);
    assert.equal(bytes.hex(commitment), opening.commitment);
    assert.equal(proofs.check(LOG.proofs[index], commitment, key).index, index);
    assert.equal(proofs.encode(proofs.parse(LOG.proofs[index])), LOG.proofs[index]);
  });
  LOG.consistency.forEach((path, old) => {
    proofs.verifyConsistency(old, roots[old], head.size, head.root, path.map(bytes.unhex));
  });
  const entries = tiles.splitEntries(bytes.unhex(LOG.bundle), head.size);
  assert.deepEqual(bytes.concat(...entries.map(leafHash)), bytes.unhex(LOG.tile));
  for (const [path, [level, index, width]] of Object.entries(LOG.paths)) {
    assert.equal(tiles.path({ level, index, width }), path);
  }
});

test("a note signed by another key, and a checkpoint of another origin, are refused", async () => {
  const witness = notes.parseKey(LOG.witness_vkey);
  assert.equal(await outcome(() => notes.checkCheckpoint(LOG.checkpoint, witness)), "note.wrong_signature");
  const changed = LOG.checkpoint.replace("\n11\n", "\n12\n");
  assert.equal(await outcome(() => notes.checkCheckpoint(changed, notes.parseKey(LOG.vkey))), "note.wrong_signature");
});

test("every receipt gets the verdict that it gets in Python", async () => {
  for (const { name, files, code } of RECEIPTS.vectors) {
    const numbers = [];
    const given = filesOf(files);
    const key = notes.parseKey(RECEIPTS.vkey);
    const call = () => receipts.check(given, RECEIPTS.chain, key, (step) => numbers.push(step.number));
    assert.equal(await outcome(call), code ?? "ok", name);
    if (!code) assert.deepEqual(numbers, given.proof ? [1, 2, 3, 4, 5, 7] : [1, 2, 3, 4, 5], name);
  }
});

test("no byte of a timestamp can be changed unseen, whether its certificate or the root alone is pinned", async () => {
  const { content, token } = filesOf(RECEIPTS.vectors[0].files);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const root = RECEIPTS.chain.slice(RECEIPTS.chain.lastIndexOf("-----BEGIN"));
  for (const chain of [RECEIPTS.chain, root]) {
    const told = await timestamp.check(token, digest, chain, { sandbox: false });
    assert.equal(told.at, "2026-11-21T08:30:00.123456Z");
    for (let place = 0; place < token.length; place += 1) {
      for (const mask of chain === root ? [0x01] : [0x01, 0x80, 0xff]) {
        const changed = token.slice();
        changed[place] ^= mask;
        const call = timestamp.check(changed, digest, chain, { sandbox: false });
        await assert.rejects(call, Refusal, `byte ${place}, mask ${mask}`);
      }
    }
  }
  for (let size = 0; size < token.length; size += 7) {
    await assert.rejects(timestamp.check(token.slice(0, size), digest, root, { sandbox: false }), Refusal);
  }
});

test("a chain that is none is refused", async () => {
  const { content, token } = filesOf(RECEIPTS.vectors[0].files);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  const own = RECEIPTS.chain.slice(0, RECEIPTS.chain.lastIndexOf("-----BEGIN"));
  const cases = { "": "timestamp.bad_chain", [RECEIPTS.chain.replace("M", "N")]: "timestamp.bad_chain", [own]: "timestamp.untrusted" };
  for (const [chain, code] of Object.entries(cases)) {
    assert.equal(await outcome(() => timestamp.check(token, digest, chain, { sandbox: false })), code);
  }
});

/** @param {(string | null)[]} encoded */
function filesOf(encoded) {
  const [content, digest, token, proof] = encoded.map((one) => (one === null ? null : bytes.unbase64(one)));
  return { content, digest, token, proof };
}
