/**
 * libsodium, loaded once: `await ready()` before anything of the library is used; then `sodium` is set.
 *
 * In node the npm package is found by its name. In a page and in a Worker it stands beside our own scripts under
 * `vendor/`, where the server has turned the one bare import that it holds into an address (a Worker has no import map).
 * The page or the Worker needs `'wasm-unsafe-eval'` in its policy.
 */
const NAME = "libsodium-wrappers-sumo";
const PLACE = `../../vendor/${NAME}/dist/modules-sumo-esm/libsodium-wrappers.mjs`;

/** @type {typeof import("libsodium-wrappers-sumo")} */
export let sodium;
/** @type {Promise<typeof import("libsodium-wrappers-sumo")> | undefined} */
let loading;

/**
 * Load libsodium; calling it again costs nothing.
 * @returns {Promise<typeof import("libsodium-wrappers-sumo")>}
 */
export function ready() {
  loading ??= load();
  return loading;
}

async function load() {
  const inNode = import.meta.url.startsWith("file:");
  const module = await import(inNode ? NAME : new URL(PLACE, import.meta.url).href);
  const loaded = module.default ?? module;
  await loaded.ready;
  sodium = loaded;
  return loaded;
}

/**
 * Fresh random bytes: what a call takes as its source of randomness unless a test gives another.
 * @param {number} size in bytes
 * @returns {Uint8Array}
 */
export function randomBytes(size) {
  return crypto.getRandomValues(new Uint8Array(size));
}
