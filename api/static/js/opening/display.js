/** The display in the hall: follows the board, keeps the server's clock, and says 断线 when it cannot. */
import { civil, run, serverNow } from "../clock.js";
import { t } from "../words.js";
import { follow, put } from "./follow.js";

const board = /** @type {HTMLElement} */ (document.getElementById("board"));
const lost = /** @type {HTMLElement} */ (document.querySelector("[data-lost]"));
const updated = /** @type {HTMLTimeElement} */ (document.querySelector("[data-updated]"));

// More bids than one screen holds: screen by screen, from the top again at the end. Nobody has a mouse in front of a wall.
const TURN = 10_000;
setInterval(() => {
  const page = document.documentElement;
  const end = page.scrollHeight - page.clientHeight;
  if (end > 8) window.scrollTo({ top: page.scrollTop >= end - 8 ? 0 : page.scrollTop + page.clientHeight / 2, behavior: "instant" });
}, TURN);

run();
follow(board.dataset.events ?? "", board.dataset.board ?? "", {
  state: (html) => put(board, html),
  connection: (how) => {
    document.documentElement.dataset.connection = how;
    lost.hidden = how === "live";
    if (how === "live" || how === "polling") updated.textContent = civil(serverNow());
    if (how !== "live") lost.textContent = t(`room.js.${how}`, { at: updated.textContent });
  },
});
