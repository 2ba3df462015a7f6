/** 统一社会信用代码: told as trading/party.py tells it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkDigit, wrong } from "../../api/static/js/lib/uscc.js";

test("codes as published are right", () => {
  for (const code of ["91110000600037341L", "N2152502MF0000001E", "A1152502MB0000001M", "Y1152502MG0000001B"]) {
    assert.equal(wrong(code), null);
  }
});

test("length, character and check digit are told apart, with the place", () => {
  assert.deepEqual(wrong("91110000600037341"), { wrong: "length", place: 17, found: "1", length: 17 });
  assert.equal(wrong("91A10000600037341L")?.wrong, "character");
  assert.equal(wrong("91A10000600037341L")?.place, 3);
  assert.equal(wrong("9111000060003734IL")?.place, 17);
  assert.equal(wrong("91110000600037341M")?.wrong, "check_digit");
});

test("every single change of a right code is seen", () => {
  const right = "91110000600037341L";
  assert.equal(checkDigit(right), "L");
  for (let place = 0; place < right.length; place += 1) {
    for (const other of "0123456789ABCDEFGHJKLMNPQRTUWXY") {
      if (other !== right[place]) assert.notEqual(wrong(right.slice(0, place) + other + right.slice(place + 1)), null);
    }
  }
});
