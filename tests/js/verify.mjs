/**
 * `ggzy verify` of the browser as a command, for tests that compare it with Python's: prints for each folder or file
 * given what held and what was wrong, as one JSON line. Pins: the environment's VKEY and CHAIN (texts), if set.
 */
import { openAsBlob, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Refusal } from "../../api/static/js/lib/refusal.js";
import { verify } from "../../api/static/js/lib/verify/verifier.js";

const pins = { vkey: process.env.VKEY ?? null, chain: process.env.CHAIN ?? null };
for (const path of process.argv.slice(2)) console.log(JSON.stringify(await told(path)));

/** @param {string} path */
async function told(path) {
  const found = [];
  try {
    await verify(await filesOf(path), pins, {
      began: ({ sort, path: place, own }) => found.push({ sort, path: place, own, steps: [], code: null, params: {} }),
      held: ({ number, name, detail }) => found.at(-1).steps.push({ number, name, detail }),
      further: () => {},
      progress: () => {},
      wrong: ({ code, params }) => Object.assign(found.at(-1), { code, params }),
      lacking: ({ code, params }) => Object.assign(found.at(-1), { code, params }),
      done: () => {},
    });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    found.push({ sort: "", path, steps: [], code: error.code, params: error.params });
  }
  return found;
}

/** @param {string} path */
async function filesOf(path) {
  if (!statSync(path).isDirectory()) return new Map([[basename(path), await openAsBlob(path)]]);
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const paths = names.map((one) => join(one.parentPath, one.name));
  return new Map(await Promise.all(paths.map(async (one) => [one.slice(path.length + 1), await openAsBlob(one)])));
}
