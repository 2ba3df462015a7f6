/** The Worker in which the device key lives: it takes calls by name and answers with a value or a refusal. */
import { Refusal } from "../lib/refusal.js";
import { ready } from "../lib/sodium.js";
import { Device } from "./bidder_device.js";

const CALLS = new Set(
  ["create", "unlock", "prove", "enrol", "sign", "trust", "sealDraft", "openDraft"].concat(["seal", "adopt", "rehearse"]),
);
const device = new Device();

addEventListener("message", async ({ data: { id, name, args } }) => {
  try {
    if (!CALLS.has(name)) throw new Refusal("device.no_such_call", { name });
    await ready();
    postMessage({ id, value: await /** @type {any} */ (device)[name](...args, (/** @type {number} */ bytes) => postMessage({ id, progress: bytes })) });
  } catch (error) {
    const told = error instanceof Refusal ? error : new Refusal("device.failed", { error: String(error) });
    postMessage({ id, refusal: { code: told.code, params: told.params } });
  }
});
