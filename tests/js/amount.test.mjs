/** Amounts of yuan in capital figures, the same as bidding/amounts.py writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { amountInWords } from "../../api/static/js/lib/amount.js";
import { read } from "./vectors.mjs";

test("amounts are written as Python writes them", () => {
  for (const [amount, words] of read("amounts/amounts.json").cases) assert.equal(amountInWords(amount), words, amount);
});
