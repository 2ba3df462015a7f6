/** Advice on a passphrase while it is typed: rough, on this device alone, and never a gate but for its length. */
const COMMON = /^(.)\1*$|12345|qwerty|asdf|password|admin|letmein|woaini|iloveyou|888888|666666|000000/i;

/**
 * @param {string} passphrase
 * @param {number} least characters
 * @returns {string} the code of the advice
 */
export function adviceOn(passphrase, least) {
  const characters = [...passphrase];
  if (characters.length === 0) return "pages.bid.strength_none";
  if (characters.length < least) return "pages.bid.strength_short";
  if (COMMON.test(passphrase) || new Set(characters).size < least / 2) return "pages.bid.strength_common";
  return bits(characters) < 60 ? "pages.bid.strength_fair" : "pages.bid.strength_good";
}

/** A guess at log2 of the number of passphrases of this length and these kinds of characters. @param {string[]} characters */
function bits(characters) {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9\u4e00-\u9fff]/, /[\u4e00-\u9fff]/];
  const sizes = [26, 26, 10, 33, 2500];
  const alphabet = kinds.reduce((sum, kind, place) => sum + (characters.some((one) => kind.test(one)) ? sizes[place] : 0), 0);
  return characters.length * Math.log2(Math.max(2, alphabet)) * 0.6; // people choose words, not letters
}
