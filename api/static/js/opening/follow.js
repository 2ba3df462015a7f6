/** Following a board: its newest state, with the id of the last one in the address, so that nothing is sent twice. */
import { listen } from "../live.js";

/** @typedef {{state: (html: string) => void, connection: (how: import("../live.js").How) => void}} Follower */

/**
 * Follow a board until the page goes away.
 * @param {string} address of the events
 * @param {string} board where the same state is given once
 * @param {Follower} follower
 */
export function follow(address, board, { state, connection }) {
  let seen = "";
  listen(() => (seen ? `${address}?seen=${seen}` : address), {
    on: {
      state: (event) => {
        seen = event.lastEventId;
        state(event.data);
      },
    },
    look: async () => {
      const answer = await fetch(board, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
      if (!answer?.ok || answer.redirected) return false;
      state(await answer.text());
      return true;
    },
    connection,
  });
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
