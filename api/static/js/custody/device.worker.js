/** The Worker in which a custodian's device lives: it takes calls by name and answers with a value or a refusal. */
import { Refusal } from "../lib/refusal.js";
import { ready } from "../lib/sodium.js";
import * as keystore from "../keystore.js";
import { DrawingDevice } from "./drawing_device.js";

const CALLS = new Set(
  ["unlock", "backup", "inspect", "deal", "receive", "prove", "certify", "finish", "examine", "answer"].concat(
    ["commit", "reveal", "askTime", "recover"],
  ),
);
const device = new DrawingDevice(keystore, (step) => postMessage({ step }));

addEventListener("message", async ({ data: { id, name, args } }) => {
  try {
    if (!CALLS.has(name)) throw new Refusal("custody.no_such_call");
    await ready();
    postMessage({ id, value: await /** @type {any} */ (device)[name](...args) });
  } catch (error) {
    const told = error instanceof Refusal ? error : new Refusal("custody.device_failed", { error: String(error) });
    postMessage({ id, refusal: { code: told.code, params: told.params } });
  }
});
