/** Amounts of yuan in capital figures, the same as bidding/amounts.py writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { amountInFigures, amountInWords } from "../../api/static/js/lib/amount.js";
import { read } from "./vectors.mjs";

test("amounts are written as Python writes them", () => {
  for (const [amount, words] of read("amounts/amounts.json").cases) assert.equal(amountInWords(amount), words, amount);
});

test("figures are grouped by thousands", () => {
  const cases = { "12345678.90": "12,345,678.90", "999.00": "999.00", "1000.05": "1,000.05" };
  for (const [amount, figures] of Object.entries(cases)) assert.equal(amountInFigures(amount), figures);
});
