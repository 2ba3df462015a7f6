/**
 * The checks in a Worker: takes `{files: [path, Blob][], pins}` and posts what `engine.run` tells.
 *
 * The library is imported when the first message is here: what is sent while a Worker's script still waits is lost.
 */
import { run } from "./engine.js";

self.addEventListener("message", ({ data: { files, pins } }) => {
  run(files, pins, (kind, value) => self.postMessage({ kind, value }));
});
