/** The page's side of the Worker in which the device lives. */
import { civil } from "../clock.js";
import { Refusal } from "../http.js";
import { t } from "../words.js";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** @type {Map<number, {resolve: (value: any) => void, reject: (error: Refusal) => void}>} */
const waiting = new Map();
/** @type {(step: number) => void} */
let heard = () => undefined;
/** @type {Worker | undefined} */
let worker;
let last = 0;

/**
 * Call the device.
 * @param {string} name
 * @param {...unknown} args
 * @returns {Promise<any>}
 * @throws {Refusal} with the words of the code as detail
 */
export function call(name, ...args) {
  worker ??= start();
  last += 1;
  worker.postMessage({ id: last, name, args });
  return new Promise((resolve, reject) => waiting.set(last, { resolve, reject }));
}

/**
 * Hear the numbers of the steps of a check as they are passed.
 * @param {(step: number) => void} listener
 */
export function onStep(listener) {
  heard = listener;
}

/** Forget everything secret: the Worker ends, and the key file would have to be opened anew. */
export function close() {
  worker?.terminate();
  worker = undefined;
}

function start() {
  const started = new Worker(new URL("./device.worker.js", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data }) => {
    if (data.step) return heard(data.step);
    const { resolve, reject } = /** @type {any} */ (waiting.get(data.id));
    waiting.delete(data.id);
    if (!data.refusal) return resolve(data.value);
    const { code, params } = data.refusal;
    return reject(new Refusal(code, t(code, readable(params)), 0, params));
  });
  started.addEventListener("error", () => {
    const failed = new Refusal("custody.device_failed", t("custody.device_failed", { error: "Worker" }), 0);
    for (const { reject } of waiting.values()) reject(failed);
    waiting.clear();
  });
  return started;
}

/** Times as people read them, everything else as it is (kernel/clock.py, `readable`). */
function readable(/** @type {Record<string, unknown>} */ params) {
  const told = (/** @type {unknown} */ value) => (TIME.test(String(value)) ? civil(Date.parse(String(value))) : value);
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, told(value)]));
}
