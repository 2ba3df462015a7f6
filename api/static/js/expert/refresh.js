/**
 * A part of the page that follows what others do: `data-refresh="seconds"` on an element with an id is fetched again with
 * the page it stands on, and put in place of the old; not while somebody is at work in it, nor in a hidden tab.
 */
const part = /** @type {HTMLElement | null} */ (document.querySelector("[data-refresh]"));
if (part) setTimeout(refresh, seconds(part));

/** @param {HTMLElement} element */
function seconds(element) {
  return Number(element.dataset.refresh) * 1000;
}

async function refresh() {
  const old = /** @type {HTMLElement} */ (document.getElementById(/** @type {HTMLElement} */ (part).id));
  const busy = document.hidden || old.contains(document.activeElement) || old.querySelector("details[open]");
  const fresh = busy ? null : await fetched(old.id).catch(() => null);
  if (fresh) old.replaceWith(fresh);
  const now = fresh ?? old;
  if (now.dataset.refresh) setTimeout(refresh, seconds(now));
}

/** @param {string} id @returns {Promise<HTMLElement | null>} */
async function fetched(id) {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById(id);
  return found && /** @type {HTMLElement} */ (document.importNode(found, true));
}
