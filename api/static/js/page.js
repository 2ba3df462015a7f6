/** What every page does: clocks, drafts of forms, the focus on what is wrong, no form sent twice. */
import { run } from "./clock.js";
import { keepDrafts } from "./draft.js";
import { keepRows } from "./rows.js";

run();
keepRows(); // before drafts, which may need more rows
keepDrafts();
/** @type {HTMLElement | null} */ (document.querySelector("[data-focus]"))?.focus();
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 5000);
});
for (const button of document.querySelectorAll("button[data-print]")) button.addEventListener("click", () => print());
