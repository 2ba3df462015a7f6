/**
 * Events of the trail and what opens them: strict reading, the salted commitment (docs/spec/trail.md, sections 1 and
 * 2).
 *
 * libsodium must be `ready`.
 */

import { concat, unhex, utf8 } from "../bytes.js";
import * as canonical from "../canonical.js";
import { sha256 } from "../merkle.js";
import { Refusal } from "../refusal.js";
import * as moment from "./moment.js";
import { hasMembers, reading } from "./strict.js";

export const FORMAT = "ggzy/event/v1";
export const SALT_SIZE = 32;
const CONTEXT = utf8(`${FORMAT}\0`);
const MAX_EVENT = 1 << 20;
const KIND = /^[a-z][a-z_]{0,39}(\.[a-z][a-z_]{0,39}){1,3}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MEMBERS = ["format", "id", "kind", "at", "trade", "actor", "data", "sandbox"];

/**
 * An event; `trade` is the tender's id, `time` the moment of `at`, `sandbox` marks play.
 * @typedef {{id: string, kind: string, at: string, time: bigint, trade: string | null, actor: string,
 *   data: Record<string, any>, sandbox: boolean}} Event
 */

/**
 * Read the canonical bytes of an event strictly; refusal `event.malformed`.
 * @param {Uint8Array} data
 * @returns {Event}
 */
export function decode(data) {
  if (data.length > MAX_EVENT) throw new Refusal("event.malformed");
  return read(reading("event.malformed", () => canonical.decode(data)));
}

/**
 * Read an event that was a member of other canonical JSON; refusal `event.malformed`.
 * @param {any} value
 * @returns {Event}
 */
export function read(value) {
  const time = hasMembers(value, MEMBERS) ? moment.parse(value.at) : null;
  const named = [value?.id, value?.actor, value?.trade ?? value?.id];
  const right =
    time !== null &&
    value.format === FORMAT &&
    typeof value.kind === "string" &&
    KIND.test(value.kind) &&
    named.every((id) => typeof id === "string" && UUID.test(id)) &&
    typeof value.data === "object" &&
    value.data !== null &&
    !Array.isArray(value.data) &&
    typeof value.sandbox === "boolean";
  if (!right) throw new Refusal("event.malformed");
  const { id, kind, at, trade, actor, data, sandbox } = value;
  return { id, kind, at, time, trade, actor, data, sandbox };
}

/**
 * Return the 32-byte commitment of an event's canonical bytes under a 32-byte salt.
 * @param {Uint8Array} event
 * @param {Uint8Array} salt
 * @returns {Uint8Array}
 */
export function commit(event, salt) {
  return sha256(concat(CONTEXT, salt, event));
}

/**
 * Return the commitment of an event and a salt as other canonical JSON holds them: an object, and 64 hexadecimal
 * digits. Refusals: `event.malformed`, `event.wrong_opening`.
 * @param {any} value
 * @param {any} salt
 * @returns {Uint8Array}
 */
export function commitmentOf(value, salt) {
  const bytes = reading("event.wrong_opening", () => unhex(salt));
  if (bytes.length !== SALT_SIZE) throw new Refusal("event.wrong_opening");
  const encoded = reading("event.malformed", () => canonical.encode(value));
  if (encoded.length > MAX_EVENT) throw new Refusal("event.malformed");
  return commit(encoded, bytes);
}

/**
 * Read such an event and return it with its commitment; refusals as above.
 * @param {any} value
 * @param {any} salt
 * @returns {{event: Event, commitment: Uint8Array}}
 */
export function open(value, salt) {
  return { event: read(value), commitment: commitmentOf(value, salt) };
}
