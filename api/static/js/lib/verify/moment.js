/**
 * Times as they stand in canonical bytes: RFC 3339 UTC with six decimals and `Z` (kernel/clock.py).
 *
 * A moment is a BigInt of microseconds since 1970: the years 1 to 9999 in microseconds do not fit a Number.
 */

const TEXT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{6})Z$/;
const MICROS = 1_000_000n;

/**
 * Return the moment of a text of exactly this form, or null.
 * @param {unknown} text
 * @returns {bigint | null}
 */
export function parse(text) {
  const match = typeof text === "string" ? TEXT.exec(text) : null;
  return match && of(match.slice(1, 7).map(Number), BigInt(match[7]));
}

/**
 * Return the moment of [year, month, day, hour, minute, second] and microseconds, or null for an impossible date.
 * @param {number[]} parts
 * @param {bigint} micros
 * @returns {bigint | null}
 */
export function of(parts, micros) {
  const [year, month, day, hour, minute, second] = parts;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC would read the years 0 to 99 as 1900 to 1999
  date.setUTCHours(hour, minute, second);
  const same = year > 0 && date.getUTCFullYear() === year && date.getUTCMonth() === month - 1;
  const clock = date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute;
  if (!same || !clock || date.getUTCSeconds() !== second) return null;
  return BigInt(date.getTime()) * 1000n + micros;
}

/**
 * Return the text of a moment.
 * @param {bigint} moment
 * @returns {string}
 */
export function format(moment) {
  const micros = ((moment % MICROS) + MICROS) % MICROS;
  const whole = new Date(Number((moment - micros) / 1000n)).toISOString().slice(0, 19);
  return `${whole}.${micros.toString().padStart(6, "0")}Z`;
}
