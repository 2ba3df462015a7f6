/**
 * Server-sent events that mend themselves for ever (docs/spec/live.md).
 *
 * The browser's own repetition gives up on some answers, so every error ends the source and a new one is made. Where none
 * opens but the server answers, there is no free seat: the page looks from time to time until there is one.
 */
const SILENCE = 40_000; // more than two heartbeats of the server
const PAUSES = [500, 1000, 2000, 3000, 5000];
const LOOK = 12_000; // milliseconds between two looks without a seat, and up to as much as SPREAD more
const SPREAD = 6_000;

/**
 * @typedef {"live" | "stale" | "polling" | "lost"} How
 * `stale` when the server lives but its database does not, `polling` without a seat, `lost` when nothing is heard
 * @typedef {object} Listener
 * @property {Record<string, (event: MessageEvent) => void>} on what is done with the events of a name
 * @property {() => Promise<boolean>} look looks anew without a stream; false when nobody answers
 * @property {(how: How) => void} [connection]
 */

/**
 * Listen until the page goes away, or until what is returned is called.
 * @param {() => string} address of the events, asked for anew with each connection
 * @param {Listener} listener
 * @returns {() => void} ends it
 */
export function listen(address, { on, look, connection = () => undefined }) {
  let failures = 0;
  let sat = false; // whether the present source was heard at all
  let over = false;
  /** @type {EventSource | undefined} */
  let source;
  let timer = 0;

  const open = () => {
    source?.close();
    if (over) return;
    sat = false;
    source = new EventSource(address());
    for (const name of new Set(["beat", "fresh", "stale", ...Object.keys(on)])) {
      source.addEventListener(name, (event) => {
        failures = 0;
        sat = true;
        wait(broken, SILENCE);
        connection(name === "stale" ? "stale" : "live");
        on[name]?.(event);
      });
    }
    source.addEventListener("error", broken);
    wait(broken, SILENCE);
  };
  const broken = async () => {
    source?.close();
    clearTimeout(timer);
    if (!sat && (await look())) {
      connection("polling");
      wait(open, LOOK + Math.random() * SPREAD);
      return;
    }
    connection("lost");
    wait(open, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  };
  /** @param {() => void} next @param {number} milliseconds */
  const wait = (next, milliseconds) => {
    clearTimeout(timer);
    if (!over) timer = window.setTimeout(next, milliseconds);
  };
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  window.addEventListener("online", open);
  open();
  return () => {
    over = true;
    source?.close();
    clearTimeout(timer);
  };
}
