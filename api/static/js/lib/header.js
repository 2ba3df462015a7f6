/**
 * The header of one sealed envelope: 146 bytes, fixed layout, big-endian (docs/spec/sealing.md, section 3).
 * libsodium must be `ready` before anything is hashed.
 */
import { concat, equal, hex, integer, text, u32, u64, unhex, utf8 } from "./bytes.js";
import { sha256 } from "./merkle.js";
import { isPadded } from "./padding.js";
import { Refusal, require } from "./refusal.js";
import * as moment from "./verify/moment.js";

export const HEADER_SIZE = 146;
export const RECORD_SIZE = 65536;
export const MAX_LENGTH = 2 ** 40;
export const AES_256_GCM = 1;
const XCHACHA20_POLY1305 = 2;

const MAGIC = utf8("ggzy/env");
const VERSION = 1;
const CONTEXT = utf8("ggzy/header/v1\0");
const POLICIES = ["quorum", "quorum_and_bidder", "quorum_or_bidder"];
const KINDS = ["qualification", "technical", "price"];
const USCC = /^[0-9A-HJ-NPQRTUWXY]{18}$/;
const LAST_MOMENT = moment.parse("9999-12-31T23:59:59.999999Z") ?? 0n;

/**
 * @typedef {object} Header
 * @property {1 | 2} suite
 * @property {"quorum" | "quorum_and_bidder" | "quorum_or_bidder"} policy
 * @property {"qualification" | "technical" | "price"} kind
 * @property {string} tender a UUID
 * @property {string} lot a UUID
 * @property {string} bidder 统一社会信用代码
 * @property {string} deadline RFC 3339 UTC with six decimals
 * @property {Uint8Array} key the opening key's hash
 * @property {Uint8Array} point U
 * @property {number} paddedLength of the plaintext, in bytes
 */

/** @param {Header} header @returns {Uint8Array} the 146 bytes @throws {Refusal} `bid.bad_header` */
export function encode(header) {
  check(USCC.test(header.bidder), "bidder");
  check(header.key.length === 32 && header.point.length === 32, "size");
  check(isPadded(header.paddedLength) && header.paddedLength <= MAX_LENGTH, "length");
  return concat(
    MAGIC,
    new Uint8Array([VERSION, header.suite, numberOf(POLICIES, header.policy), numberOf(KINDS, header.kind)]),
    uuid(header.tender),
    uuid(header.lot),
    utf8(header.bidder),
    u64(microseconds(header.deadline)),
    header.key,
    header.point,
    u32(RECORD_SIZE),
    u64(header.paddedLength),
  );
}

/** @param {Uint8Array} encoded @returns {Uint8Array} what proof, keys and commitment are bound to */
export function hashOf(encoded) {
  return sha256(concat(CONTEXT, encoded));
}

/** @param {Uint8Array} data @returns {Header} @throws {Refusal} `bid.bad_header` names the first field that is wrong */
export function parse(data) {
  check(data.length === HEADER_SIZE, "size");
  check(equal(data.subarray(0, 8), MAGIC), "magic");
  const [version, suite, policy, kind] = data.subarray(8, 12);
  check(version === VERSION, "version");
  check(suite === AES_256_GCM || suite === XCHACHA20_POLY1305, "suite");
  check(policy >= 1 && policy <= POLICIES.length, "policy");
  check(kind >= 1 && kind <= KINDS.length, "kind");
  check(integer(data.subarray(134, 138)) === BigInt(RECORD_SIZE), "record");
  const deadline = integer(data.subarray(62, 70));
  check(deadline <= LAST_MOMENT, "deadline");
  const header = /** @type {Header} */ ({
    suite,
    policy: POLICIES[policy - 1],
    kind: KINDS[kind - 1],
    tender: uuidText(data.subarray(12, 28)),
    lot: uuidText(data.subarray(28, 44)),
    bidder: ascii(data.subarray(44, 62)),
    deadline: moment.format(deadline),
    key: data.slice(70, 102),
    point: data.slice(102, 134),
    paddedLength: Number(integer(data.subarray(138, 146))),
  });
  check(equal(encode(header), data), "encoding");
  return header;
}

/** @param {string} deadline */
function microseconds(deadline) {
  const value = moment.parse(deadline);
  if (value === null || value < 0n) throw new Refusal("bid.bad_header", { field: "deadline" });
  return value;
}

/** @param {string[]} names @param {string} name */
function numberOf(names, name) {
  check(names.includes(name), "code");
  return names.indexOf(name) + 1;
}

/** @param {string} value */
function uuid(value) {
  return unhex(value.replaceAll("-", ""));
}

/** @param {Uint8Array} bytes */
function uuidText(bytes) {
  const digits = hex(bytes);
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join("-");
}

/** @param {Uint8Array} bytes */
function ascii(bytes) {
  check(
    bytes.every((byte) => byte < 128),
    "bidder",
  );
  return text(bytes);
}

/** @param {unknown} condition @param {string} field @returns {asserts condition} */
function check(condition, field) {
  require(condition, "bid.bad_header", { field });
}
