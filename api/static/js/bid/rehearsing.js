/** A practice bid: sealed to a key that is made for it, opened again, compared. Nothing of it leaves the device. */
import { equal, hex } from "../lib/bytes.js";
import * as bidfile from "../lib/bidfile.js";
import * as encapsulation from "../lib/encapsulation.js";
import * as group from "../lib/group.js";
import * as headers from "../lib/header.js";
import { create, deviceKey } from "../lib/keyfile.js";
import * as manifests from "../lib/manifest.js";
import { require } from "../lib/refusal.js";
import { sealBid } from "../lib/sealing.js";
import { randomBytes } from "../lib/sodium.js";
import { unseal } from "../lib/unsealing.js";
import * as files from "./sealed_files.js";

const NAME = "rehearsal";
const PIECE = 1 << 16; // what getRandomValues gives at once
const USCC = "91152502MA0N7E8T0X";
const LATER = "2099-12-31T00:00:00.000000Z";

/**
 * Seal and open a file of random bytes.
 * @param {number} size in bytes
 * @param {(bytes: number) => void} progress is told of both
 * @returns {Promise<{sealSeconds: number, openSeconds: number, size: number}>}
 * @throws {import("../lib/refusal.js").Refusal} `rehearsal.differs` and whatever sealing and opening refuse
 */
export async function rehearse(size, progress) {
  const drill = new File([noise(size)], "drill.bin");
  const secret = group.randomScalar(randomBytes);
  const out = await files.create(NAME);
  try {
    const begun = performance.now();
    await sealed(drill, group.baseMult(secret), out, progress);
    out.flush();
    out.close();
    const between = performance.now();
    await compare(drill, secret, progress);
    return { sealSeconds: (between - begun) / 1000, openSeconds: (performance.now() - between) / 1000, size };
  } finally {
    out.close();
    await files.remove(NAME);
  }
}

/** @param {File} drill @param {Uint8Array} openingKey @param {files.OpenFile} out @param {(bytes: number) => void} progress */
async function sealed(drill, openingKey, out, progress) {
  const keys = create();
  const id = `${hex(randomBytes(4))}-0000-4000-8000-000000000000`;
  const envelopes = [{ kind: "technical", stage: 1 }, { kind: "price", stage: 1 }]; // prettier-ignore
  const place = { platform: "rehearsal", title: "rehearsal", tender: id, lot: id, deadline: LATER, policy: "quorum" };
  const target = { ...place, envelopes, key: randomBytes(32), openingKey, sandbox: true };
  const plans = [
    { form: { kind: "technical" }, files: [drill] },
    { form: { kind: "price", price: "1.00" }, files: [] },
  ];
  const bidder = { uscc: USCC, device: deviceKey(keys), secret: randomBytes(32) };
  /** @type {import("../lib/sealing.js").Write} */
  const write = (bytes, at) => void out.write(bytes, { at });
  await sealBid(/** @type {any} */ (target), /** @type {any} */ (plans), bidder, { write, progress });
}

/** Open what lies on disk as the opening does, and compare the file with what went in. @param {File} drill @param {Uint8Array} secret @param {(bytes: number) => void} progress */
async function compare(drill, secret, progress) {
  const file = /** @type {File} */ (await files.find(NAME));
  const bid = await bidfile.read(file);
  const { header, headerBytes, preamble, length } = manifests.verify(bid.encoded, bid.signature).envelopes[0];
  const shared = group.mult(secret, header.point);
  const key = encapsulation.unlock(header, headers.hashOf(headerBytes), preamble, shared);
  let place = 0;
  for await (const event of unseal(header, key, file.slice(bid.offset, bid.offset + length))) {
    if (!("bytes" in event)) continue;
    const expected = new Uint8Array(await drill.slice(place, place + event.bytes.length).arrayBuffer());
    require(equal(event.bytes, expected), "rehearsal.differs");
    place += event.bytes.length;
    progress(event.bytes.length);
  }
  require(place === drill.size, "rehearsal.differs");
}

/** @param {number} size @returns {Uint8Array<ArrayBuffer>} */
function noise(size) {
  const block = new Uint8Array(size);
  for (let at = 0; at < size; at += PIECE) crypto.getRandomValues(block.subarray(at, Math.min(at + PIECE, size)));
  return block;
}
