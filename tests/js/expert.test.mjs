/** What the evaluation desk computes: points exact to the hundredth, notes at what stands out and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { median, notable } from "../../api/static/js/expert/deviation.js";
import { fault, hundredths, written } from "../../api/static/js/expert/points.js";

test("points are read as sheets carry them, in whole hundredths", () => {
  for (const [text, value] of [["0", 0], ["30", 3000], ["27.5", 2750], ["0.07", 7], ["999999999999.99", 99999999999999]]) {
    assert.equal(hundredths(text), value);
  }
  for (const text of ["", "060", "1e1", "5.555", "-1", "+1", ".5", "5.", " 5", "NaN", "1000000000000"]) assert.equal(hundredths(text), null);
  assert.equal(written(0), "0.00");
  assert.equal(written(hundredths("0.1") + hundredths("0.2")), "0.30");
});

test("what is wrong with points is told by kind", () => {
  assert.equal(fault("", "10"), "empty");
  assert.equal(fault("1.234", "10"), "form");
  assert.equal(fault("10.01", "10"), "range");
  assert.equal(fault("10", "10"), "");
});

test("points far from one's own other bids ask for a note, at the odd one alone", () => {
  const sheets = { a: { plan: 0.9, team: 0.9 }, b: { plan: 0.8, team: 0.825 }, c: { plan: 0.8, team: 0.25 } };
  assert.deepEqual(notable(sheets), [{ bid: "c", code: "team", why: "bids" }]);
});

test("points far from the other items of the same bid ask for a note", () => {
  const low = { plan: 0.9, safety: 0.85, team: 0.4 };
  const found = notable({ a: low, b: { ...low }, c: { ...low } });
  assert.deepEqual(found.map((one) => [one.bid, one.code, one.why]), ["a", "b", "c"].map((bid) => [bid, "team", "items"]));
});

test("two bids or two items are too few to call anything odd", () => {
  assert.deepEqual(notable({ a: { plan: 1 }, b: { plan: 0 } }), []);
  assert.equal(median([3, 1]), 2);
  assert.equal(median([3, 1, 2]), 2);
});
