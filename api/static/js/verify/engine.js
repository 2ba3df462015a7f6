/**
 * Runs the checks: in a Worker where there is one, so that the page stays alive; in the page itself in a saved copy.
 */

/**
 * @typedef {import("../lib/refusal.js").Refusal} Refusal
 * @typedef {(kind: string, value: any) => void} Hear told the events of `Listener`, and `stopped` and `ended`
 */

const PACE = 100; // milliseconds between two reports of progress

/**
 * Check files in a Worker of this address; return what stops it.
 * @param {string} address
 * @param {[string, File][]} files
 * @param {import("../lib/verify/verifier.js").Pins} pins
 * @param {Hear} hear
 * @returns {() => void}
 */
export function startWorker(address, files, pins, hear) {
  const worker = new Worker(address, { type: "module" });
  worker.addEventListener("message", ({ data: { kind, value } }) => hear(kind, value));
  worker.addEventListener("error", () => hear("stopped", { code: "pages.verify.no_worker", params: {} }));
  worker.postMessage({ files, pins });
  return () => worker.terminate();
}

/**
 * Check files here and tell everything that happens.
 * @param {[string, Blob][]} files
 * @param {import("../lib/verify/verifier.js").Pins} pins
 * @param {Hear} hear
 */
export async function run(files, pins, hear) {
  const { verify } = await import("../lib/verify/verifier.js");
  let read = 0;
  let told = 0;
  try {
    await verify(new Map(files), pins, {
      began: (artefact) => hear("began", artefact),
      held: (step) => hear("held", step),
      further: (step) => hear("further", step),
      wrong: ({ code, params }) => hear("wrong", { code, params }),
      lacking: ({ code, params }) => hear("lacking", { code, params }),
      done: () => hear("done", null),
      progress: (bytes) => {
        read += bytes;
        if (performance.now() - told < PACE) return;
        told = performance.now();
        hear("progress", read);
        read = 0;
      },
    });
  } catch (error) {
    const { code = "verify.failed", params = { reason: String(error) } } = /** @type {Partial<Refusal>} */ (error);
    hear("stopped", { code, params });
  }
  hear("ended", null);
}
