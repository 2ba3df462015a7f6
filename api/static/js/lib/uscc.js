/** 统一社会信用代码 (GB 32100-2015): what is wrong with one, told as `trading/party.py` tells it. */

const LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY";
export const LENGTH = 18;

/**
 * Say what is wrong with a code that is being typed.
 * @param {string} code
 * @returns {{wrong: "length" | "character" | "check_digit", place: number, found: string, length: number} | null}
 *   `place` counts from 1; null for a right code
 */
export function wrong(code) {
  const letters = [...code];
  const bad = letters.slice(0, LENGTH).findIndex((letter, place) => !fits(letter, place));
  const told = (/** @type {"length" | "character" | "check_digit"} */ kind) => {
    const place = bad < 0 ? Math.min(letters.length, LENGTH) : bad + 1;
    return { wrong: kind, place, found: letters[place - 1] ?? "", length: letters.length };
  };
  if (letters.length !== LENGTH) return told("length");
  if (bad >= 0) return told("character");
  return checkDigit(code) === code[LENGTH - 1] ? null : told("check_digit");
}

/**
 * Return the check character of a code's first 17 places: weights are powers of 3 modulo 31.
 * @param {string} code
 * @returns {string}
 */
export function checkDigit(code) {
  let sum = 0;
  let weight = 1;
  for (const letter of code.slice(0, LENGTH - 1)) {
    sum += LETTERS.indexOf(letter) * weight;
    weight = (weight * 3) % 31;
  }
  return LETTERS[(31 - (sum % 31)) % 31];
}

/** @param {string} letter @param {number} place from 0 */
function fits(letter, place) {
  return place >= 2 && place < 8 ? letter >= "0" && letter <= "9" : LETTERS.includes(letter);
}
