/** The list of one's bids: which lots have a draft in this browser; drafts whose deadline is over are forgotten. */
import { civil } from "../clock.js";
import * as drafts from "./drafts.js";

const lines = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-draft-of]")]);

/** @param {HTMLElement} line */
async function show(line) {
  const { user = "", draftOf: lot = "", uscc = "" } = line.dataset;
  const found = await drafts.find({ user, lot, uscc });
  if (found === null) return;
  /** @type {HTMLElement} */ (line.querySelector("time")).textContent = civil(found.savedAt);
  line.hidden = false;
}

await drafts.expire(new Map(lines.map(({ dataset }) => [dataset.draftOf ?? "", dataset.deadline ?? ""])));
await Promise.all(lines.map(show));
