/** The opening room: follows the board; when the board says so, what this person can do is fetched anew. */
import { t } from "../words.js";
import { follow, put } from "./follow.js";

const board = /** @type {HTMLElement} */ (document.getElementById("board"));
const panel = document.getElementById("panel"); // only for who takes part
const connection = /** @type {HTMLElement} */ (document.querySelector("[data-live]"));
const said = /** @type {HTMLElement} */ (document.querySelector("[data-said]"));
const offer = /** @type {HTMLElement | null} */ (document.querySelector("[data-stale-panel]"));
let shown = board.querySelector(".board")?.getAttribute("data-panel") ?? "";

let typed = false;
let leaving = false;
let asked = 0;
document.addEventListener("submit", () => {
  leaving = true; // what was sent is answered by a page of its own
});
panel?.addEventListener("input", () => {
  typed = true;
});

/** @param {HTMLElement} panel @returns {boolean} whether somebody is writing in it */
function writing(panel) {
  return typed || (panel.contains(document.activeElement) && document.activeElement instanceof HTMLTextAreaElement);
}

/** Fetch the panel again, unless that would take away what somebody is writing; the newest question counts. */
async function refresh() {
  if (!panel || !offer) return;
  if (writing(panel)) {
    offer.hidden = false;
    return;
  }
  const mine = ++asked;
  const answer = await fetch(board.dataset.panelFrom ?? "", { credentials: "same-origin", cache: "no-store" }).catch(() => null);
  const html = answer?.ok ? await answer.text() : null;
  if (html !== null && mine === asked && !writing(panel)) put(panel, html);
}

/** @param {string} html */
function state(html) {
  const now = put(board, html);
  const words = now?.getAttribute("data-say") ?? "";
  if (said.textContent !== words) said.textContent = words;
  const print = now?.getAttribute("data-panel") ?? "";
  if (print === shown || leaving) return;
  shown = print;
  refresh();
}

follow(board.dataset.events ?? "", board.dataset.board ?? "", {
  state,
  connection: (how) => {
    document.documentElement.dataset.connection = how;
    connection.hidden = how === "live";
    connection.textContent = how === "live" ? "" : t(`room.js.${how}_room`);
  },
});
