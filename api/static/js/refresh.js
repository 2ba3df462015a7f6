/**
 * A part of the page that follows what others do. `data-live` names the stream that says when to look; without one it is
 * looked at every `data-refresh` seconds. A part with `hx-get` is fetched by htmx, any other with the page it stands on;
 * not while somebody is at work in it, nor in a hidden tab.
 */
import { listen } from "./live.js";

const first = /** @type {HTMLElement | null} */ (document.querySelector("[data-live], [data-refresh]"));
if (first?.dataset.live) follow(first.dataset.live, first.id);
else if (first) setTimeout(again, seconds(first), first.id);

/** @param {string} address @param {string} id */
function follow(address, id) {
  const look = async () => {
    const now = await refresh(id);
    if (!now.dataset.live) stop();
    return true;
  };
  // A beat is fifteen quiet seconds: time alone may have changed something, such as a term that is over.
  const stop = listen(() => address, { on: { resync: look, changed: look, beat: look }, look });
}

/** @param {HTMLElement} element */
function seconds(element) {
  return Number(element.dataset.refresh) * 1000;
}

/** @param {string} id */
async function again(id) {
  const now = await refresh(id);
  if (now.dataset.refresh) setTimeout(again, seconds(now), id);
}

/** @param {string} id @returns {Promise<HTMLElement>} the part as it is now */
async function refresh(id) {
  const old = /** @type {HTMLElement} */ (document.getElementById(id));
  if (old.hasAttribute("hx-get")) {
    old.dispatchEvent(new Event("refresh"));
    return old;
  }
  const busy = document.hidden || old.contains(document.activeElement) || old.querySelector("details[open]");
  const fresh = busy ? null : await fetched(id).catch(() => null);
  if (fresh) old.replaceWith(fresh);
  return fresh ?? old;
}

/** @param {string} id @returns {Promise<HTMLElement | null>} */
async function fetched(id) {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById(id);
  return found && /** @type {HTMLElement} */ (document.importNode(found, true));
}
