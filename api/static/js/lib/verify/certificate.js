/** Certificates of time-stamping authorities, checked against pinned ones alone (RFC 5280, RFC 3161 2.3). */

import { equal, unbase64, unshared } from "../bytes.js";
import { Refusal } from "../refusal.js";
import * as der from "./der.js";

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;
const VERSION_3 = 2n;
const EC_KEY = "1.2.840.10045.2.1";
const RSA_KEY = "1.2.840.113549.1.1.1";
const BASIC_CONSTRAINTS = "2.5.29.19";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
/** @type {Record<string, [string, number]>} */
const CURVES = {
  "1.2.840.10045.3.1.7": ["P-256", 32],
  "1.3.132.0.34": ["P-384", 48],
  "1.3.132.0.35": ["P-521", 66],
};

/**
 * Signature algorithms by their names: family, and the hash (null: the one that the signer's digest algorithm names).
 * @type {Record<string, ["ecdsa" | "rsa", string | null]>}
 */
export const SIGNATURES = {
  "1.2.840.10045.4.3.2": ["ecdsa", "SHA-256"],
  "1.2.840.10045.4.3.3": ["ecdsa", "SHA-384"],
  "1.2.840.10045.4.3.4": ["ecdsa", "SHA-512"],
  "1.2.840.113549.1.1.11": ["rsa", "SHA-256"],
  "1.2.840.113549.1.1.12": ["rsa", "SHA-384"],
  "1.2.840.113549.1.1.13": ["rsa", "SHA-512"],
  [RSA_KEY]: ["rsa", null],
};

/**
 * A parsed certificate; names, serial and key as DER, times in microseconds.
 * @typedef {{raw: Uint8Array, tbs: Uint8Array, algorithm: string, signature: Uint8Array, serial: der.Node,
 *   issuer: der.Node, subject: der.Node, from: bigint, until: bigint, key: Uint8Array, keyType: string,
 *   curve: string | null, ca: boolean, timeStamping: boolean}} Certificate
 */

/**
 * Read pinned certificates (PEM, one after another); refusal `timestamp.bad_chain` when they are none.
 * @param {string} pem
 * @returns {Certificate[]}
 */
export function load(pem) {
  try {
    const found = [...pem.matchAll(PEM)].map(([, body]) => parse(unbase64(body.replace(/\s/g, ""))));
    if (found.length) return found;
  } catch (error) {
    if (!(error instanceof der.Malformed || error instanceof Refusal)) throw error;
  }
  throw new Refusal("timestamp.bad_chain");
}

/**
 * Read one certificate; throws der.Malformed.
 * @param {Uint8Array} data
 * @returns {Certificate}
 */
export function parse(data) {
  const outer = der.element(data, der.SEQUENCE);
  const [tbs, algorithm, signature] = der.children(outer, [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]);
  const parts = der.children(tbs);
  const [version, serial, inner, issuer, validity, subject, key, ...rest] = parts;
  if (parts.length < 7 || version.tag !== der.CONTEXT_0 || der.integer(der.element(version.content)) !== VERSION_3)
    throw new der.Malformed();
  if (!der.same(inner, algorithm) || signature.content[0] !== 0) throw new der.Malformed();
  const times = der.children(validity);
  if (times.length !== 2 || serial.tag !== der.INTEGER) throw new der.Malformed();
  return {
    raw: data,
    tbs: tbs.raw,
    algorithm: der.oid(der.children(algorithm)[0] ?? algorithm),
    signature: signature.content.subarray(1),
    serial,
    issuer,
    subject,
    from: der.time(times[0]),
    until: der.time(times[1]),
    key: key.raw,
    ...keyKind(key),
    ...purposes(rest.find((part) => part.tag === der.CONTEXT_3)),
  };
}

/**
 * Walk from the signer to a pinned self-signed root; each certificate is valid at the stamped time.
 * Refusals: `timestamp.bad_certificate`, `timestamp.untrusted`.
 * @param {Certificate} certificate
 * @param {Certificate[]} pinned
 * @param {bigint} at microseconds
 */
export async function checkChain(certificate, pinned, at) {
  if (!certificate.timeStamping) throw new Refusal("timestamp.bad_certificate");
  let current = certificate;
  for (let seen = 0; seen <= pinned.length; seen++) {
    if (at < current.from || at > current.until) throw new Refusal("timestamp.bad_certificate");
    if (der.same(current.issuer, current.subject) && pinned.some((one) => equal(one.raw, current.raw))) return;
    const issuer = await issuerOf(current, pinned);
    if (!issuer) break;
    current = issuer;
  }
  throw new Refusal("timestamp.untrusted");
}

/**
 * Tell whether a signature by a certificate's key holds; `hash` as WebCrypto names it.
 * @param {Certificate} signer
 * @param {string} algorithm dotted name of the signature's algorithm
 * @param {string} hash
 * @param {Uint8Array} signature
 * @param {Uint8Array} data
 * @returns {Promise<boolean>}
 */
export async function holds(signer, algorithm, hash, signature, data) {
  const [family] = SIGNATURES[algorithm] ?? [];
  try {
    if (family === "ecdsa" && signer.keyType === EC_KEY && signer.curve && CURVES[signer.curve]) {
      const [namedCurve, size] = CURVES[signer.curve];
      const key = await imported(signer, { name: "ECDSA", namedCurve });
      return await crypto.subtle.verify({ name: "ECDSA", hash }, key, unshared(fixedSize(signature, size)), unshared(data));
    }
    if (family === "rsa" && signer.keyType === RSA_KEY) {
      const key = await imported(signer, { name: "RSASSA-PKCS1-v1_5", hash });
      return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, unshared(signature), unshared(data));
    }
  } catch (error) {
    // A key that WebCrypto cannot read, or a signature that is no pair of integers, signs nothing.
    if (!(error instanceof der.Malformed || error instanceof DOMException)) throw error;
  }
  return false;
}

/**
 * @param {Certificate} current
 * @param {Certificate[]} pinned
 */
async function issuerOf(current, pinned) {
  const [, hash] = SIGNATURES[current.algorithm] ?? [];
  if (!hash) return null;
  for (const one of pinned) {
    const named = one.ca && der.same(one.subject, current.issuer);
    if (named && (await holds(one, current.algorithm, hash, current.signature, current.tbs))) return one;
  }
  return null;
}

/**
 * @param {Certificate} signer
 * @param {EcKeyImportParams | RsaHashedImportParams} algorithm
 */
function imported(signer, algorithm) {
  return crypto.subtle.importKey("spki", unshared(signer.key), algorithm, false, ["verify"]);
}

/**
 * Return an ECDSA signature (DER: two integers) as WebCrypto wants it: both of the curve's size, joined.
 * @param {Uint8Array} signature
 * @param {number} size bytes
 */
function fixedSize(signature, size) {
  const out = new Uint8Array(2 * size);
  const both = der.children(der.element(signature, der.SEQUENCE), [der.INTEGER, der.INTEGER]);
  both.forEach((node, at) => {
    der.integer(node);
    const digits = node.content[0] === 0 ? node.content.subarray(1) : node.content;
    if (digits.length > size) throw new der.Malformed();
    out.set(digits, (at + 1) * size - digits.length);
  });
  return out;
}

/** @param {der.Node} key */
function keyKind(key) {
  const [algorithm] = der.children(key, [der.SEQUENCE, der.BIT_STRING]);
  const [name, parameter] = der.children(algorithm);
  if (!name) throw new der.Malformed();
  return { keyType: der.oid(name), curve: parameter?.tag === der.OID ? der.oid(parameter) : null };
}

/** @param {der.Node | undefined} wrapped */
function purposes(wrapped) {
  const found = { ca: false, timeStamping: false };
  const seen = new Set();
  for (const extension of wrapped ? der.children(der.element(wrapped.content)) : []) {
    const parts = der.children(extension);
    const name = parts[0] && der.oid(parts[0]);
    const critical = parts.length === 3 && parts[1].tag === der.BOOLEAN && parts[1].content[0] === 0xff;
    const value = parts.at(-1);
    if (seen.has(name) || !value || value.tag !== der.OCTET_STRING) throw new der.Malformed();
    seen.add(name);
    if (name === BASIC_CONSTRAINTS) found.ca = der.children(der.element(value.content))[0]?.content[0] === 0xff;
    if (name === EXTENDED_KEY_USAGE) {
      const usages = der.children(der.element(value.content)).map(der.oid);
      // RFC 3161 2.3: critical, and time stamping alone
      found.timeStamping = critical && usages.length === 1 && usages[0] === TIME_STAMPING;
    }
  }
  return found;
}
