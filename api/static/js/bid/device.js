/** The page's side of the Worker that holds the device key: calls by name, progress, refusals with their words. */
import { Refusal } from "../http.js";
import { t } from "../words.js";

/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Error) => void, progress: (bytes: number) => void}>} */
const waiting = new Map();
/** @type {Worker | undefined} */
let worker;
let last = 0;

/**
 * Call the device (`bid/device.worker.js` has the names).
 * @param {string} name
 * @param {unknown[]} args
 * @param {(bytes: number) => void} [progress] is told the bytes done since it was last told
 * @returns {Promise<any>}
 * @throws {Refusal} with the words of the code as its detail
 */
export function call(name, args, progress = () => undefined) {
  worker ??= start();
  last += 1;
  const id = last;
  worker.postMessage({ id, name, args });
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject, progress }));
}

/** Break off whatever is being done and forget the key. */
export function stop() {
  worker?.terminate();
  worker = undefined;
  fail("device.stopped");
}

function start() {
  const started = new Worker(new URL("./device.worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data: { id, value, refusal, progress } }) => {
    const one = waiting.get(id);
    if (one === undefined) return undefined;
    if (progress !== undefined) return one.progress(progress);
    waiting.delete(id);
    return refusal ? one.reject(told(refusal.code, refusal.params)) : one.resolve(value);
  });
  started.addEventListener("error", () => fail("device.failed"));
  return started;
}

/** @param {string} code */
function fail(code) {
  for (const { reject } of waiting.values()) reject(told(code, {}));
  waiting.clear();
}

/** @param {string} code @param {Record<string, unknown>} params */
function told(code, params) {
  return new Refusal(code, t(code, params), 0, params);
}
