/**
 * Following a board (docs/spec/live.md): its newest state over server-sent events, repaired for ever when it breaks.
 *
 * The browser's own repetition gives up on some answers, so every error ends the source and a new one is made, with the
 * id of the last state in the address, so that nothing is sent twice and nothing is missed.
 */
const SILENCE = 40_000; // more than two heartbeats of the server
const PAUSES = [500, 1000, 2000, 3000, 5000];

/**
 * @typedef {{state: (html: string) => void, connection: (how: "live" | "stale" | "lost") => void}} Follower
 * `connection` is told `stale` when the server lives but its database does not, `lost` when nothing is heard
 */

/**
 * Follow a board until the page goes away.
 * @param {string} address
 * @param {Follower} follower
 */
export function follow(address, follower) {
  let seen = "";
  let failures = 0;
  /** @type {EventSource | undefined} */
  let source;
  let watchdog = 0;

  const open = () => {
    source?.close();
    source = new EventSource(seen ? `${address}?seen=${seen}` : address);
    source.addEventListener("state", (event) => {
      seen = event.lastEventId;
      heard("live");
      follower.state(event.data);
    });
    source.addEventListener("fresh", () => heard("live"));
    source.addEventListener("beat", () => heard("live"));
    source.addEventListener("stale", () => heard("stale"));
    source.addEventListener("error", lost);
    guard();
  };
  /** @param {"live" | "stale"} how */
  const heard = (how) => {
    failures = 0;
    guard();
    follower.connection(how);
  };
  const guard = () => {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(lost, SILENCE);
  };
  const lost = () => {
    source?.close();
    clearTimeout(watchdog);
    follower.connection("lost");
    watchdog = window.setTimeout(open, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
  };
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  window.addEventListener("online", open);
  open();
}

/**
 * Put what the server rendered in place of what is there.
 * @param {Element} place
 * @param {string} html
 * @returns {Element | null} the board
 */
export function put(place, html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  place.replaceChildren(...parsed.body.childNodes);
  return place.querySelector(".board");
}
