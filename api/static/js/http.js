/** The API from a page: JSON in and out, the session's CSRF token on writes, refusals as exceptions. */

import { Refusal as Plain } from "./lib/refusal.js";

/** A refusal of the server (RFC 9457) with its words, or `network` when it could not be asked. */
export class Refusal extends Plain {
  /** @param {string} code @param {string} detail @param {number} status @param {Record<string, unknown>} [params] */
  constructor(code, detail, status, params = {}) {
    super(code, params);
    this.message = detail || code;
    this.detail = detail;
    this.status = status;
  }
}

/** @returns {string} the token that belongs to this session. */
export function csrf() {
  return /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="csrf"]'))?.content ?? "";
}

/**
 * Ask the API. A body that is a plain object goes as JSON, bytes and blobs as they are.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{headers?: Record<string, string>, signal?: AbortSignal, raw?: boolean}} [options] raw: give the Response itself
 * @returns {Promise<any>} what the JSON says, null for an empty answer
 * @throws {Refusal}
 */
export async function api(method, path, body, { headers = {}, signal, raw = false } = {}) {
  const binary = body instanceof Blob || body instanceof ArrayBuffer || ArrayBuffer.isView(body);
  /** @type {Record<string, string>} */
  const sent = { ...(csrf() ? { "X-CSRF-Token": csrf() } : {}), ...headers };
  if (body !== undefined) sent["Content-Type"] ??= binary ? "application/octet-stream" : "application/json";
  let answer;
  try {
    const content = body === undefined || binary ? /** @type {BodyInit | undefined} */ (body) : JSON.stringify(body);
    answer = await fetch(path, { method, headers: sent, body: content, signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refusal("network", "", 0);
  }
  if (!answer.ok) throw await refusal(answer);
  if (raw) return answer;
  const text = await answer.text();
  return text ? JSON.parse(text) : null;
}

/** @param {Response} answer @returns {Promise<Refusal>} */
async function refusal(answer) {
  try {
    const told = await answer.json();
    return new Refusal(told.code, told.detail, answer.status, told.params);
  } catch {
    return new Refusal("server.failed", "", answer.status);
  }
}
