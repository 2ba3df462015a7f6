/**
 * Receipts checked by the recipe of docs/spec/receipt.md, section 4; the numbers are the same. libsodium must be
 * `ready`.
 */

import { equal, hex, unhex, utf8 } from "../bytes.js";
import * as canonical from "../canonical.js";
import { sha256 } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as events from "./event.js";
import * as moment from "./moment.js";
import * as proofs from "./proof.js";
import { small } from "./source.js";
import { marked, step } from "./steps.js";
import { hasMembers, reading } from "./strict.js";
import * as timestamp from "./timestamp.js";

export const FORMAT = "ggzy/receipt/v1";
const MAX_SIZE = 65536;
const MAX_FILE = 1 << 20;
const KINDS = ["bid.received", "bid.withdrawn", "bid.confirmed", "trade.archived"];
const MEMBERS = ["event", "format", "log", "salt"];

/**
 * What a receipt says: the event, the origin of the log that holds it, the 32-byte commitment there.
 * @typedef {{event: events.Event, log: string, commitment: Uint8Array}} Receipt
 */

/**
 * The files of one receipt; the proof comes later than the others.
 * @typedef {{content: Uint8Array, digest: Uint8Array, token: Uint8Array, proof: Uint8Array | null}} Files
 */

/**
 * Read `receipt.json` strictly (steps 1 and 2); refusal `receipt.malformed`.
 * @param {Uint8Array} content
 * @returns {Receipt}
 */
export function decode(content) {
  return reading("receipt.malformed", () => {
    const value = content.length <= MAX_SIZE ? canonical.decode(content) : null;
    const named = hasMembers(value, MEMBERS) && value.format === FORMAT && typeof value.log === "string";
    if (!named || unhex(value.salt).length !== events.SALT_SIZE) throw new Refusal("receipt.malformed");
    const { event, commitment } = events.open(value.event, value.salt);
    const deadline = event.kind === "bid.received" ? moment.parse(event.data.deadline) : null;
    const late = event.kind === "bid.received" && (deadline === null || event.time >= deadline);
    if (!KINDS.includes(event.kind) || late) throw new Refusal("receipt.malformed");
    return { event, log: value.log, commitment };
  });
}

/**
 * Read the files of the receipt whose content has this path: `.digest`, `.tsr` and, where it is, `.proof` beside it.
 * Refusal `receipt.missing` with the name.
 * @param {import("./source.js").Files} files
 * @param {string} path
 * @returns {Promise<Files>}
 */
export async function readFiles(files, path) {
  const stem = path.replace(/\.json$/, "");
  const absent = ["json", "digest", "tsr"].map((suffix) => `${stem}.${suffix}`).filter((one) => !files.has(one));
  if (absent.length) throw new Refusal("receipt.missing", { name: absent.map(nameOf).join(", ") });
  const [content, digest, token, proof] = await Promise.all(
    ["json", "digest", "tsr", "proof"].map((suffix) => readFile(files, `${stem}.${suffix}`, suffix === "proof")),
  );
  return /** @type {Files} */ ({ content, digest, token, proof });
}

/**
 * Check a receipt against the authority's certificates and the log's key, telling each step as it holds.
 *
 * Step 6 (the sealed bid at hand) is told by whoever has the bid. Refusals: `receipt.*`, `timestamp.*`, `proof.*`,
 * `note.*`, `checkpoint.*`, `merkle.*`: the first thing wrong.
 * @param {Files} files
 * @param {string} chainPem
 * @param {import("./note.js").Key | null} key
 * @param {(held: import("./steps.js").Step) => void} tell
 * @returns {Promise<Receipt>}
 */
export async function check(files, chainPem, key, tell) {
  const receipt = decode(files.content);
  const { event } = receipt;
  tell(step(1, "form", String(files.content.length)));
  tell(step(2, "event", marked(event.kind, event.sandbox)));
  const digest = sha256(files.content); // 3
  if (!equal(files.digest, utf8(`${hex(digest)}\n`))) throw new Refusal("receipt.wrong_digest");
  tell(step(3, "digest", hex(digest)));
  const token = await timestamp.check(files.token, digest, chainPem, { sandbox: event.sandbox }); // 4
  tell(step(4, "token", token.at));
  const after = token.time - event.time; // 5
  if (after < -timestamp.TOLERANCE || after > timestamp.TOLERANCE + timestamp.PATIENCE)
    throw new Refusal("receipt.wrong_time");
  tell(step(5, "time", event.at));
  if (files.proof && key) {
    const { index, head } = proofs.check(files.proof, receipt.commitment, key); // 7
    if (head.origin !== receipt.log) throw new Refusal("receipt.wrong_log");
    tell(step(7, "inclusion", `${index} / ${head.size}`));
  }
  return receipt;
}

/**
 * @param {import("./source.js").Files} files
 * @param {string} path
 * @param {boolean} mayMiss
 */
async function readFile(files, path, mayMiss) {
  if (mayMiss && !files.has(path)) return null;
  return small(files, path, MAX_FILE, new Refusal("receipt.missing", { name: nameOf(path) }));
}

/** @param {string} path */
function nameOf(path) {
  return path.replace(/^.*\//, "");
}
