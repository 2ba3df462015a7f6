/** Bytes on their way to the platform: one part with its progress, and patience while the network is away. */
import { Refusal, csrf } from "./http.js";

const LONGEST_PAUSE = 30;
const PASSING = new Set(["network", "server.failed", "idempotency.in_flight"]);

/**
 * Send one part; unlike fetch, XMLHttpRequest tells how far it is.
 * @param {string} path
 * @param {Blob} data
 * @param {(loaded: number) => void} progress bytes of it sent so far
 * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<void>}
 * @throws {Refusal}
 */
export function put(path, data, progress, { headers = {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    const sent = { "Content-Type": "application/octet-stream", "X-CSRF-Token": csrf(), ...headers };
    for (const [name, value] of Object.entries(sent)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onload = () => (request.status < 400 ? resolve() : reject(refusalOf(request)));
    request.onerror = request.ontimeout = () => reject(new Refusal("network", "", 0));
    request.onabort = () => reject(new Refusal("device.stopped", "", 0));
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    request.send(data);
  });
}

/**
 * Do something until it is answered: what passes by itself is waited for, longer each time, or until the network is back.
 * @template T
 * @param {() => Promise<T>} work
 * @param {(seconds: number) => void} tell of a pause when it begins, 0 when it is over
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 * @throws {Refusal} what the platform refuses for good
 */
export async function steadily(work, tell, signal) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const { code, status = 0 } = /** @type {Refusal & {code: string, status?: number}} */ (error);
      const passing = PASSING.has(code) || status >= 500 || status === 429;
      if (signal?.aborted || !passing) throw error;
      const seconds = Math.min(LONGEST_PAUSE, 2 ** tries) * (0.75 + Math.random() / 2);
      tell(Math.ceil(seconds));
      await new Promise((done) => {
        setTimeout(done, seconds * 1000);
        addEventListener("online", done, { once: true });
      });
      tell(0);
    }
  }
}

/** @param {XMLHttpRequest} request */
function refusalOf(request) {
  try {
    const { code, detail, params } = JSON.parse(request.responseText);
    return new Refusal(code, detail, request.status, params);
  } catch {
    return new Refusal("server.failed", "", request.status);
  }
}
