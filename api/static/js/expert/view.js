/**
 * Which bid is in front, which side on a narrow screen, and the files of a bid beside its sheet.
 *
 * Bids stay in the page and are hidden, so that a document stays open at its page when one comes back to it.
 * Keys: Alt+PageDown and Alt+PageUp for the next and previous bid; Enter in a points field for the next item.
 */

/** @param {HTMLElement} desk */
export function arrange(desk) {
  const bids = /** @type {HTMLElement[]} */ ([...desk.querySelectorAll("article[data-bid]")]);
  const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll("a[data-bid-link]")]);
  let front = Math.max(0, bids.findIndex((one) => `#${one.id}` === location.hash));

  /** @param {number} place @param {boolean} [focus] */
  const show = (place, focus = false) => {
    front = (place + bids.length) % bids.length;
    bids.forEach((one, at) => (one.hidden = at !== front));
    links.forEach((one, at) => (at === front ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current")));
    history.replaceState(null, "", `#${bids[front].id}`);
    if (focus) focusFirst(bids[front]);
  };

  links.forEach((link, place) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show(place);
    }),
  );
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "PageDown" && event.key !== "PageUp")) return;
    event.preventDefault();
    show(front + (event.key === "PageDown" ? 1 : -1), true);
  });
  desk.addEventListener("keydown", nextItem);
  for (const link of desk.querySelectorAll("a[data-open]")) link.addEventListener("click", (event) => open(/** @type {HTMLAnchorElement} */ (link), event));
  switchSides(desk);
  show(front);
  return { show: (/** @type {string} */ bid) => show(bids.findIndex((one) => one.dataset.bid === bid)) };
}

/** @param {HTMLElement} bid */
function focusFirst(bid) {
  const field = /** @type {HTMLElement | null} */ (bid.querySelector("input[data-code]"));
  const heading = /** @type {HTMLElement} */ (bid.querySelector("h2"));
  if (field && field.offsetParent) return field.focus();
  heading.tabIndex = -1;
  heading.focus();
}

/** @param {KeyboardEvent} event */
function nextItem(event) {
  const field = /** @type {HTMLElement} */ (event.target);
  if (event.key !== "Enter" || !field.dataset.code) return;
  event.preventDefault();
  const fields = /** @type {HTMLElement[]} */ ([...(field.closest("form")?.querySelectorAll("input[data-code]") ?? [])]);
  const next = fields[fields.indexOf(field) + (event.shiftKey ? -1 : 1)];
  next?.focus();
}

/** @param {HTMLAnchorElement} link @param {Event} event */
function open(link, event) {
  event.preventDefault();
  const place = /** @type {HTMLElement} */ (document.getElementById(String(link.dataset.open)));
  const frame = place.querySelector("iframe") ?? document.createElement("iframe");
  frame.title = `${place.dataset.title}: ${link.textContent}`;
  const wanted = `${link.href}#navpanes=0&view=FitH`; // how PDF viewers are asked for the page alone
  if (frame.src !== wanted) frame.src = wanted;
  if (!frame.isConnected) place.replaceChildren(frame);
  for (const other of link.closest("ul")?.querySelectorAll("a") ?? []) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
}

/** @param {HTMLElement} desk */
function switchSides(desk) {
  const group = /** @type {HTMLElement} */ (document.querySelector("[data-views]"));
  const buttons = /** @type {HTMLButtonElement[]} */ ([...group.querySelectorAll("button[data-view]")]);
  /** @param {string} view */
  const choose = (view) => {
    desk.dataset.view = view;
    buttons.forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.view === view)));
  };
  buttons.forEach((one) => one.addEventListener("click", () => choose(String(one.dataset.view))));
  group.hidden = false;
  choose("reader");
}
