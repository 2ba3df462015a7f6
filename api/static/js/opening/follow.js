/**
 * Following a board (docs/spec/live.md): its newest state over server-sent events, repaired for ever when it breaks.
 *
 * The browser's own repetition gives up on some answers, so every error ends the source and a new one is made, with the
 * id of the last state in the address, so that nothing is sent twice and nothing is missed. Where no source opens but
 * the server answers, there is no free seat: the board is looked at from time to time until there is one.
 */
const SILENCE = 40_000; // more than two heartbeats of the server
const PAUSES = [500, 1000, 2000, 3000, 5000];
const LOOK = 12_000; // milliseconds between two looks without a seat, and up to as much as SPREAD more
const SPREAD = 6_000;

/**
 * @typedef {"live" | "stale" | "polling" | "lost"} How
 * `stale` when the server lives but its database does not, `polling` without a seat, `lost` when nothing is heard
 * @typedef {{state: (html: string) => void, connection: (how: How) => void}} Follower
 */

/**
 * Follow a board until the page goes away.
 * @param {string} address of the events
 * @param {string} board where the same state is given once
 * @param {Follower} follower
 */
export function follow(address, board, follower) {
  let seen = "";
  let failures = 0;
  let sat = false; // whether the present source was heard at all
  /** @type {EventSource | undefined} */
  let source;
  let watchdog = 0;

  const open = () => {
    source?.close();
    sat = false;
    source = new EventSource(seen ? `${address}?seen=${seen}` : address);
    source.addEventListener("state", (event) => {
      seen = event.lastEventId;
      heard("live");
      follower.state(event.data);
    });
    source.addEventListener("fresh", () => heard("live"));
    source.addEventListener("beat", () => heard("live"));
    source.addEventListener("stale", () => heard("stale"));
    source.addEventListener("error", broken);
    wait(broken, SILENCE);
  };
  /** @param {"live" | "stale"} how */
  const heard = (how) => {
    failures = 0;
    sat = true;
    wait(broken, SILENCE);
    follower.connection(how);
  };
  const broken = async () => {
    source?.close();
    clearTimeout(watchdog);
    const html = sat ? null : await glance(board);
    if (html === null) {
      follower.connection("lost");
      wait(open, PAUSES[Math.min(failures++, PAUSES.length - 1)]);
      return;
    }
    follower.state(html);
    follower.connection("polling");
    wait(open, LOOK + Math.random() * SPREAD);
  };
  /** @param {() => void} next @param {number} milliseconds */
  const wait = (next, milliseconds) => {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(next, milliseconds);
  };
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  window.addEventListener("online", open);
  open();
}

/** @param {string} board @returns {Promise<string | null>} the board as it is now; null when nobody answers */
async function glance(board) {
  const answer = await fetch(board, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
  return answer?.ok && !answer.redirected ? answer.text() : null;
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
