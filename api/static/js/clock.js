/** The server's clock on this page: its offset from ours, clocks and countdowns that follow it. */
import { t } from "./words.js";

let offset = 0;
let known = false;

/** @returns {number} the server's time in milliseconds since 1970, as well as this page knows it. */
export function serverNow() {
  return Date.now() + offset;
}

/**
 * Ask the server for the time; half the way there and back counts as the way back.
 * @returns {Promise<number>} the offset in milliseconds
 */
export async function synchronize() {
  const asked = performance.now();
  const answer = await fetch("/time", { cache: "no-store" });
  const { now } = await answer.json();
  offset = Date.parse(now) + (performance.now() - asked) / 2 - Date.now();
  known = true;
  return offset;
}

/** @param {number} milliseconds @returns {string} what is left, in words */
export function left(milliseconds) {
  if (milliseconds <= 0) return t("page.left_none");
  const seconds = Math.floor(milliseconds / 1000);
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  if (days) return t("page.left_days", { days, hours: hours % 24 });
  if (hours) return t("page.left_hours", { hours, minutes: minutes % 60 });
  return t("page.left_minutes", { minutes, seconds: seconds % 60 });
}

/** Keep every clock and countdown of the page going. */
export async function run() {
  const places = () => document.querySelectorAll("time[data-clock], time[data-countdown]");
  if (!places().length) return;
  await synchronize().catch(() => undefined);
  setInterval(() => places().forEach(show), 1000);
  setInterval(() => synchronize().catch(() => undefined), 5 * 60 * 1000);
  document.addEventListener("visibilitychange", () => document.hidden || synchronize().catch(() => undefined));
}

/** @param {Element} place */
function show(place) {
  if (!known) return;
  const element = /** @type {HTMLTimeElement} */ (place);
  if ("clock" in element.dataset) {
    element.textContent = civil(serverNow());
    return;
  }
  element.dataset.moment ??= element.textContent ?? "";
  const rest = Date.parse(element.dateTime) - serverNow();
  const alone = element.dataset.countdown === "alone";
  element.textContent = alone ? left(rest) : `${element.dataset.moment}${t("page.aside", { text: left(rest) })}`;
  element.classList.toggle("soon", rest > 0 && rest < 3600 * 1000);
  if (rest <= 0 && !element.dataset.over) {
    element.dataset.over = "1";
    element.dispatchEvent(new CustomEvent("countdown-over", { bubbles: true }));
  }
}

/** @param {number} moment @returns {string} China Standard Time, as the server writes it */
export function civil(moment) {
  return new Date(moment + 8 * 3600 * 1000).toISOString().slice(0, 19).replace("T", " ");
}
