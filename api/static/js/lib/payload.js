/**
 * The plaintext of an envelope: u32 length ‖ form ‖ files, one after the other ‖ zeros to the Padmé length.
 * docs/spec/sealing.md, section 5. Files are read piece by piece; no file is ever whole in memory.
 */
import { concat, u32, unshared } from "./bytes.js";
import { encode, entryOf } from "./form.js";
import { MAX_LENGTH, RECORD_SIZE } from "./header.js";
import { paddedLength } from "./padding.js";
import { Refusal, require } from "./refusal.js";

const BLOCK_SIZE = 16 * RECORD_SIZE;

/** The plaintext of one envelope, read block by block: form, files, padding. */
export class PayloadSource {
  #pieces;

  /**
   * @param {import("./form.js").Form} form whose list of files is made here
   * @param {File[]} files
   * @throws {Refusal} `bid.too_large` and those of `form.encode`
   */
  constructor(form, files) {
    this.kind = form.kind;
    const encoded = encode({ ...form, files: files.map(entryOf) });
    const head = new Blob([unshared(concat(u32(encoded.length), encoded))]);
    const used = files.reduce((sum, file) => sum + file.size, head.size);
    /** The number of plaintext bytes. */
    this.length = paddedLength(used);
    require(this.length <= MAX_LENGTH, "bid.too_large");
    this.#pieces = [head, ...files].filter((piece) => piece.size > 0);
  }

  /**
   * Yield the plaintext in blocks of 1 MiB (the last has the rest), each valid until the next one is asked for.
   * @returns {AsyncGenerator<Uint8Array>}
   * @throws {Refusal} `seal.file_changed` for a file that can no longer be read as it was chosen
   */
  async *blocks() {
    const buffer = new Uint8Array(BLOCK_SIZE);
    let filled = 0;
    let left = this.length;
    for await (const chunk of this.#chunks()) {
      for (let rest = chunk; rest.length; ) {
        const taken = rest.subarray(0, BLOCK_SIZE - filled);
        buffer.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
        if (filled < BLOCK_SIZE) continue;
        yield buffer;
        left -= filled;
        filled = 0;
      }
    }
    buffer.fill(0, filled); // what no file covers is padding
    for (; left > 0; left -= BLOCK_SIZE) {
      yield buffer.subarray(0, Math.min(left, BLOCK_SIZE));
      buffer.fill(0);
    }
  }

  /** The pieces as they come: one stream per file, which reads ahead by itself and is several times faster than slices. */
  async *#chunks() {
    for (const piece of this.#pieces) {
      let read = 0;
      const reader = piece.stream().getReader();
      for (let chunk = await next(reader, piece); chunk !== undefined; chunk = await next(reader, piece)) {
        read += chunk.length;
        if (read > piece.size) throw changed(piece);
        yield chunk;
      }
      if (read !== piece.size) throw changed(piece);
    }
  }
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {Blob} piece @returns {Promise<Uint8Array | undefined>} */
async function next(reader, piece) {
  try {
    return (await reader.read()).value;
  } catch {
    throw changed(piece);
  }
}

/** @param {Blob} piece */
function changed(piece) {
  return new Refusal("seal.file_changed", { name: "name" in piece ? piece.name : "" });
}
