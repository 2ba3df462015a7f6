/**
 * Checks in a Worker, so that the page stays alive: takes `{files: [path, Blob][], pins}`, tells what `Listener` tells.
 *
 * The library is imported when the first message is here: what is sent while a Worker's script still waits is lost.
 */

const PACE = 100; // milliseconds between two reports of progress

self.addEventListener("message", async ({ data: { files, pins } }) => {
  const { verify } = await import("../lib/verify/verifier.js");
  let read = 0;
  let told = 0;
  try {
    await verify(new Map(files), pins, {
      began: (artefact) => post("began", artefact),
      held: (step) => post("held", step),
      wrong: ({ code, params }) => post("wrong", { code, params }),
      done: () => post("done", null),
      progress: (bytes) => {
        read += bytes;
        if (performance.now() - told < PACE) return;
        told = performance.now();
        post("progress", read);
        read = 0;
      },
    });
  } catch (error) {
    post("stopped", { code: error.code ?? "verify.failed", params: error.params ?? { reason: String(error) } });
  }
  post("ended", null);
});

/** @param {string} kind @param {unknown} value */
function post(kind, value) {
  self.postMessage({ kind, value });
}
