/** What a lot publishes so that a bid can be sealed for it (`ggzy/seal-target/v1`; docs/spec/sealing.md, section 2). */
import { unhex } from "./bytes.js";
import { decode } from "./canonical.js";
import { checkPoint } from "./group.js";
import { Refusal } from "./refusal.js";
import * as shape from "./shape.js";

const FORMAT = "ggzy/seal-target/v1";
const MAX_SIZE = 16384;
const name = shape.text(1, 500);
const SHAPE = shape.object({
  format: shape.oneOf(FORMAT),
  platform: name,
  title: name,
  tender: shape.identifier,
  lot: shape.identifier,
  deadline: shape.time,
  policy: shape.oneOf("quorum", "quorum_and_bidder", "quorum_or_bidder"),
  envelopes: shape.list(
    shape.object({ kind: shape.oneOf("qualification", "technical", "price"), stage: shape.whole(1, 2) }),
    1,
    3,
  ),
  key: shape.hash,
  opening_key: shape.hash,
  sandbox: shape.flag,
});

/**
 * @typedef {object} SealTarget
 * @property {string} platform
 * @property {string} title
 * @property {string} tender
 * @property {string} lot
 * @property {string} deadline
 * @property {"quorum" | "quorum_and_bidder" | "quorum_or_bidder"} policy
 * @property {{kind: "qualification" | "technical" | "price", stage: number}[]} envelopes in the order of a bid
 * @property {Uint8Array} key the opening key's hash
 * @property {Uint8Array} openingKey Y
 * @property {boolean} sandbox
 */

/** @param {Uint8Array} data @returns {SealTarget} @throws {Refusal} `bid.bad_target` */
export function parse(data) {
  try {
    const { opening_key: openingKey, key, format, ...rest } = shaped(data);
    const kinds = new Set(rest.envelopes.map((/** @type {{kind: string}} */ slot) => slot.kind));
    if (kinds.size !== rest.envelopes.length) throw new Refusal("bid.bad_target");
    return { ...rest, key: unhex(key), openingKey: checkPoint(unhex(openingKey)) };
  } catch {
    throw new Refusal("bid.bad_target");
  }
}

/** @param {Uint8Array} data @returns {any} of the shape */
function shaped(data) {
  const wire = data.length <= MAX_SIZE ? decode(data) : null;
  if (!SHAPE(wire)) throw new Refusal("bid.bad_target");
  return wire;
}
