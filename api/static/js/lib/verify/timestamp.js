/**
 * Strict checks of RFC 3161 responses against pinned certificates, offline (docs/spec/timestamp.md, section 6).
 *
 * The same recipe as archive/timestamp/verification.py: everything in a response is covered by the signature, bound by
 * the signing certificate's hash, or has one permitted value. The numbers in comments are those of the recipe.
 */

import { equal, hex, unshared } from "../bytes.js";
import { Refusal } from "../refusal.js";
import * as certificates from "./certificate.js";
import * as der from "./der.js";
import * as moment from "./moment.js";

/** Under this policy our own authority stamps in sandbox mode, where time is compressed (docs/spec/timestamp.md, 2). */
const SANDBOX_POLICY = "2.25.142390933593934599966797556386817757186";
/** How much earlier (accuracy) and later (a command under load) than the deciding time a token may be, microseconds. */
export const TOLERANCE = 1_000_000n;
export const PATIENCE = 10_000_000n;

const MAX_RESPONSE = 65536;
const GRANTED = "3003020100";
const VERSION_1 = "020101";
const VERSION_3 = "020103";
const NULL = "0500";
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";
const SHA256 = "2.16.840.1.101.3.4.2.1";
/** @type {Record<string, string>} */
const HASHES = { [SHA256]: "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512" };

/**
 * What a checked token says: the stamped digest, when (microseconds, and as canonical text), under which policy.
 * @typedef {{digest: Uint8Array, time: bigint, at: string, policy: string, serial: bigint, nonce: bigint | null,
 *   sandbox: boolean}} Token
 */

/**
 * Return the token of a response that stamps this SHA-256 digest, or throw the refusal.
 *
 * `chainPem` holds the pinned certificates: a self-signed root and whatever stands below it. A token under the
 * sandbox's
 * policy is refused (`timestamp.sandbox`) unless `sandbox`: it proves nothing about real time. Other refusals:
 * `timestamp.malformed`, `.not_granted`, `.wrong_digest`, `.bad_signature`, `.bad_certificate`, `.untrusted`,
 * `.bad_chain`.
 * @param {Uint8Array} response
 * @param {Uint8Array} digest
 * @param {string} chainPem
 * @param {{sandbox: boolean}} options
 * @returns {Promise<Token>}
 */
export async function check(response, digest, chainPem, { sandbox }) {
  const token = await read(response, chainPem);
  if (!equal(token.digest, digest)) throw new Refusal("timestamp.wrong_digest");
  if (token.sandbox && !sandbox) throw new Refusal("timestamp.sandbox");
  return token;
}

/**
 * Check everything but the digest and return what the token says.
 * @param {Uint8Array} response
 * @param {string} chainPem
 * @returns {Promise<Token>}
 */
export async function read(response, chainPem) {
  try {
    return await readStrictly(response, chainPem);
  } catch (error) {
    throw error instanceof der.Malformed ? new Refusal("timestamp.malformed") : error;
  }
}

/**
 * @param {Uint8Array} response
 * @param {string} chainPem
 */
async function readStrictly(response, chainPem) {
  if (response.length > MAX_RESPONSE) throw new der.Malformed();
  const parts = der.children(der.element(response, der.SEQUENCE)); // 1
  if (parts.length === 1 || (parts.length === 2 && hex(parts[0].raw) !== GRANTED))
    throw new Refusal("timestamp.not_granted");
  const [, contentInfo] = exactly(2, parts);
  const signed = await signedData(contentInfo); // 2
  const pinned = certificates.load(chainPem);
  const certificate = await signingCertificate(signed, pinned); // 3
  await checkSignature(signed, certificate); // 4
  const token = info(signed.info); // 5
  await certificates.checkChain(certificate, pinned, token.time); // 6
  return token;
}

/** @param {der.Node} contentInfo */
async function signedData(contentInfo) {
  const [name, wrapped] = der.children(contentInfo, [der.OID, der.CONTEXT_0]);
  const parts = der.children(der.element(wrapped.content, der.SEQUENCE));
  /** @type {Uint8Array[]} */
  let inside = [];
  if (parts.length === 5 && parts[3].tag === der.CONTEXT_0)
    inside = der.children(parts.splice(3, 1)[0], undefined, der.CONTEXT_0).map((node) => node.raw);
  if (der.oid(name) !== SIGNED_DATA || hex(exactly(4, parts)[0].raw) !== VERSION_3) throw new der.Malformed();
  const [, algorithms, encapsulated, signers] = parts;
  const [signer] = exactly(1, der.children(signers, undefined, der.SET));
  const told = exactly(6, der.children(signer));
  const [version, identifier, digestAlgorithm, attributes, signatureAlgorithm, signature] = told;
  const [issuer, serial] = der.children(identifier, [der.SEQUENCE, der.INTEGER]);
  der.integer(serial);
  const [only] = exactly(1, der.children(algorithms, undefined, der.SET));
  if (hex(version.raw) !== VERSION_1 || !der.same(only, digestAlgorithm)) throw new der.Malformed();
  const hash = HASHES[algorithmOf(digestAlgorithm)];
  if (!hash || signature.tag !== der.OCTET_STRING) throw new der.Malformed();
  const body = content(encapsulated);
  return {
    info: body,
    inside,
    issuer,
    serial,
    hash,
    attributes: der.tlv(der.SET, attributes.content),
    certificateHash: checkAttributes(attributes, await digestOf(hash, body)),
    algorithm: algorithmOf(signatureAlgorithm),
    signature: signature.content,
  };
}

/** @param {der.Node} encapsulated */
function content(encapsulated) {
  const [name, wrapped] = der.children(encapsulated, [der.OID, der.CONTEXT_0]);
  if (der.oid(name) !== TST_INFO) throw new der.Malformed();
  return der.element(wrapped.content, der.OCTET_STRING).content;
}

/**
 * Check content type and digest among the signed attributes; return the signing certificate's SHA-256.
 * @param {der.Node} attributes
 * @param {Uint8Array} infoDigest
 */
function checkAttributes(attributes, infoDigest) {
  /** @type {Map<string, der.Node>} */
  const values = new Map();
  for (const attribute of der.children(attributes, undefined, der.CONTEXT_0)) {
    const [name, held] = der.children(attribute, [der.OID, der.SET]);
    if (values.has(der.oid(name))) throw new der.Malformed();
    values.set(der.oid(name), der.element(held.content));
  }
  const type = values.get(CONTENT_TYPE);
  if (!type || type.tag !== der.OID || der.oid(type) !== TST_INFO) throw new der.Malformed();
  const digest = values.get(MESSAGE_DIGEST);
  if (!digest || !equal(digest.raw, der.tlv(der.OCTET_STRING, infoDigest)))
    throw new Refusal("timestamp.bad_signature");
  const listed = values.get(SIGNING_CERTIFICATE_V2);
  if (!listed) throw new Refusal("timestamp.bad_certificate");
  const [own] = atLeast(1, der.children(atLeast(1, der.children(listed))[0]));
  const [named] = atLeast(1, der.children(own));
  // Another algorithm than the default SHA-256 would stand first.
  if (named.tag !== der.OCTET_STRING) throw new Refusal("timestamp.bad_certificate");
  return named.content;
}

/**
 * Return the certificate that the signed hash names; every other one inside must be pinned, byte for byte.
 * @param {Awaited<ReturnType<typeof signedData>>} signed
 * @param {certificates.Certificate[]} pinned
 */
async function signingCertificate(signed, pinned) {
  const byHash = new Map();
  for (const one of pinned) byHash.set(hex(await digestOf("SHA-256", one.raw)), one);
  let found = byHash.get(hex(signed.certificateHash));
  for (const encoded of signed.inside) {
    const fingerprint = hex(await digestOf("SHA-256", encoded));
    if (fingerprint === hex(signed.certificateHash)) found ??= certificates.parse(encoded);
    else if (!byHash.has(fingerprint)) throw new Refusal("timestamp.untrusted");
  }
  if (!found || !der.same(found.issuer, signed.issuer) || !der.same(found.serial, signed.serial))
    throw new Refusal("timestamp.bad_certificate");
  return found;
}

/**
 * @param {Awaited<ReturnType<typeof signedData>>} signed
 * @param {certificates.Certificate} certificate
 */
async function checkSignature(signed, certificate) {
  const [, hash] = certificates.SIGNATURES[signed.algorithm] ?? [];
  if (hash && hash !== signed.hash) throw new der.Malformed();
  const { algorithm, signature, attributes } = signed;
  if (!(await certificates.holds(certificate, algorithm, signed.hash, signature, attributes)))
    throw new Refusal("timestamp.bad_signature");
}

/**
 * @param {Uint8Array} encoded
 * @returns {Token}
 */
function info(encoded) {
  const [version, policy, message, serial, genTime, ...rest] = atLeast(
    5,
    der.children(der.element(encoded, der.SEQUENCE)),
  );
  const [algorithm, digest] = der.children(message, [der.SEQUENCE, der.OCTET_STRING]);
  if (hex(version.raw) !== VERSION_1 || algorithmOf(algorithm) !== SHA256) throw new der.Malformed();
  if (genTime.tag !== der.GENERALIZED_TIME) throw new der.Malformed();
  const nonce = rest.find((node) => node.tag === der.INTEGER);
  const time = der.time(genTime);
  return {
    digest: digest.content,
    time,
    at: moment.format(time),
    policy: der.oid(policy),
    serial: der.integer(serial),
    nonce: nonce ? der.integer(nonce) : null,
    sandbox: der.oid(policy) === SANDBOX_POLICY,
  };
}

/**
 * Return the name of an AlgorithmIdentifier whose parameters are absent or NULL.
 * @param {der.Node} node
 */
function algorithmOf(node) {
  const [name, ...parameters] = atLeast(1, der.children(node));
  if (parameters.length > 1 || (parameters.length && hex(parameters[0].raw) !== NULL)) throw new der.Malformed();
  return der.oid(name);
}

/**
 * @param {string} hash
 * @param {Uint8Array} data
 */
async function digestOf(hash, data) {
  return new Uint8Array(await crypto.subtle.digest(hash, unshared(data)));
}

/**
 * @template T
 * @param {number} count
 * @param {T[]} nodes
 */
function exactly(count, nodes) {
  if (nodes.length !== count) throw new der.Malformed();
  return nodes;
}

/**
 * @template T
 * @param {number} count
 * @param {T[]} nodes
 */
function atLeast(count, nodes) {
  if (nodes.length < count) throw new der.Malformed();
  return nodes;
}
