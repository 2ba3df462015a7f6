/**
 * The manifest of one bid (`ggzy/bid/v1`): all its envelopes, signed once by the bidder's device key.
 * docs/spec/bid-file.md, sections 1 to 3. libsodium must be `ready`.
 */
import { concat, equal, hex, unhex, utf8 } from "./bytes.js";
import { decode, encode as encodeCanonical } from "./canonical.js";
import { verify as verifyPreamble } from "./encapsulation.js";
import * as headers from "./header.js";
import { sha256 } from "./merkle.js";
import { sealedLength } from "./records.js";
import { Refusal, require } from "./refusal.js";
import * as shape from "./shape.js";
import { check as checkSignature, sign as signBytes } from "./signed.js";

export const FORMAT = "ggzy/bid/v1";
export const SIGNATURE_SIZE = 64;
export const MAX_SIZE = 16384;
const CONTEXT = utf8("ggzy/bid/v1\0");
const SHAPE = shape.object({
  format: shape.oneOf(FORMAT),
  tender: shape.identifier,
  lot: shape.identifier,
  bidder: (value) => typeof value === "string",
  deadline: shape.time,
  previous: shape.nullable(shape.hash),
  signer: shape.hash,
  envelopes: shape.list(
    shape.object({
      kind: shape.oneOf("qualification", "technical", "price"),
      header: (value) => typeof value === "string" && /^[0-9a-f]+$/.test(value) && value.length <= 2 * headers.HEADER_SIZE,
      proof: shape.pair,
      commitment: shape.hash,
      wrap: shape.nullable(shape.hash),
      length: shape.whole(1),
      root: shape.hash,
    }),
    1,
    8,
  ),
});

/**
 * @typedef {object} Envelope
 * @property {import("./header.js").Header} header
 * @property {Uint8Array} headerBytes
 * @property {import("./encapsulation.js").Preamble} preamble
 * @property {number} length of the body in bytes
 * @property {Uint8Array} root of the body's tree
 *
 * @typedef {object} Manifest
 * @property {string} tender
 * @property {string} lot
 * @property {string} bidder
 * @property {string} deadline
 * @property {Uint8Array | null} previous digest of the receipt of the bid that this one replaces
 * @property {Uint8Array} signer
 * @property {Envelope[]} envelopes
 */

/** @param {Manifest} manifest @returns {Uint8Array} the canonical JSON */
export function encode(manifest) {
  const { tender, lot, bidder, deadline, previous, signer, envelopes } = manifest;
  return encodeCanonical({
    format: FORMAT,
    tender,
    lot,
    bidder,
    deadline,
    previous: previous && hex(previous),
    signer: hex(signer),
    envelopes: envelopes.map(({ header, headerBytes, preamble, length, root }) => ({
      kind: header.kind,
      header: hex(headerBytes),
      proof: hex(preamble.proof),
      commitment: hex(preamble.commitment),
      wrap: preamble.wrap && hex(preamble.wrap),
      length,
      root: hex(root),
    })),
  });
}

/** @param {Uint8Array} encoded @returns {Uint8Array} SHA-256: the number by which people name this bid */
export function digestOf(encoded) {
  return sha256(encoded);
}

/** @param {Uint8Array} encoded @param {import("./signed.js").Device} device @returns {Uint8Array} 64 bytes */
export function sign(encoded, device) {
  return signBytes(concat(CONTEXT, digestOf(encoded)), device);
}

/**
 * Read a manifest strictly, without judging whom it is for.
 * @param {Uint8Array} data
 * @returns {Manifest}
 * @throws {Refusal} `bid.not_sealed`, `bid.bad_manifest`, `bid.bad_header`, `bid.bad_length`
 */
export function parse(data) {
  require(data[0] === 0x7b, "bid.not_sealed");
  const wire = shaped(data);
  const { tender, lot, bidder, deadline } = wire;
  const manifest = {
    tender,
    lot,
    bidder,
    deadline,
    previous: wire.previous === null ? null : unhex(wire.previous),
    signer: unhex(wire.signer),
    envelopes: wire.envelopes.map(envelopeOf),
  };
  require(equal(encode(manifest), data), "bid.bad_manifest");
  return manifest;
}

/**
 * Check the signature under the manifest's own signer, and the proof of every envelope.
 * @param {Uint8Array} data
 * @param {Uint8Array} signature
 * @returns {Manifest}
 * @throws {Refusal} `bid.bad_signature`, `bid.bad_wrap`, `bid.bad_point`, `bid.bad_proof` and those of `parse`
 */
export function verify(data, signature) {
  const manifest = parse(data);
  verifySignature(data, signature, manifest.signer);
  for (const { header, headerBytes, preamble } of manifest.envelopes) {
    verifyPreamble(header, headers.hashOf(headerBytes), preamble);
  }
  return manifest;
}

/**
 * Check the bidder's signature alone: custodians look at each envelope's proof by itself.
 * @param {Uint8Array} data
 * @param {Uint8Array} signature
 * @param {Uint8Array} signer
 * @throws {Refusal} `bid.bad_signature`
 */
export function verifySignature(data, signature, signer) {
  try {
    checkSignature(concat(CONTEXT, digestOf(data)), signature, signer);
  } catch {
    throw new Refusal("bid.bad_signature");
  }
}

/** @param {Uint8Array} data @returns {any} of the shape */
function shaped(data) {
  let wire = null;
  try {
    wire = data.length <= MAX_SIZE ? decode(data) : null;
  } catch {
    wire = null;
  }
  if (!SHAPE(wire)) throw new Refusal("bid.bad_manifest");
  return wire;
}

/** @param {any} wire of the shape @returns {Envelope} */
function envelopeOf(wire) {
  require(wire.header.length % 2 === 0, "bid.bad_header", { field: "size" });
  const headerBytes = unhex(wire.header);
  const header = headers.parse(headerBytes);
  require(wire.length === sealedLength(header.paddedLength), "bid.bad_length", { envelope: header.kind });
  const wrap = wire.wrap === null ? null : unhex(wire.wrap);
  const preamble = { proof: unhex(wire.proof), commitment: unhex(wire.commitment), wrap };
  require(wire.kind === header.kind, "bid.bad_manifest");
  return { header, headerBytes, preamble, length: wire.length, root: unhex(wire.root) };
}
