/**
 * The plaintext of an envelope: u32 length ‖ form ‖ files, one after the other ‖ zeros to the Padmé length.
 * docs/spec/sealing.md, section 5. Files are read piece by piece; no file is ever whole in memory.
 */
import { concat, u32 } from "./bytes.js";
import { encode, entryOf } from "./form.js";
import { MAX_LENGTH, RECORD_SIZE } from "./header.js";
import { paddedLength } from "./padding.js";
import { Refusal, require } from "./refusal.js";

export const BLOCK_SIZE = 16 * RECORD_SIZE;

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
    const head = new Blob([concat(u32(encoded.length), encoded)]);
    const used = files.reduce((sum, file) => sum + file.size, head.size);
    /** The number of plaintext bytes. */
    this.length = paddedLength(used);
    require(this.length <= MAX_LENGTH, "bid.too_large");
    this.#pieces = [head, ...files].filter((piece) => piece.size > 0);
  }

  /**
   * Yield the plaintext in blocks of 1 MiB (the last has the rest). The next block is read while one is worked on.
   * @returns {AsyncGenerator<Uint8Array>}
   * @throws {Refusal} `seal.file_changed` for a file that can no longer be read as it was chosen
   */
  async *blocks() {
    let next = this.#block(0);
    for (let start = 0; start < this.length; start += BLOCK_SIZE) {
      const block = await next;
      const after = start + BLOCK_SIZE;
      next = after < this.length ? this.#block(after) : Promise.resolve(new Uint8Array());
      next.catch(() => undefined); // it is looked at when its turn comes
      yield block;
    }
  }

  /** @param {number} start @returns {Promise<Uint8Array>} */
  async #block(start) {
    const block = new Uint8Array(Math.min(BLOCK_SIZE, this.length - start));
    let begin = 0;
    for (const piece of this.#pieces) {
      const from = Math.max(start - begin, 0);
      const to = Math.min(start + block.length - begin, piece.size);
      if (from < to) block.set(await read(piece, from, to), begin + from - start);
      begin += piece.size;
      if (begin >= start + block.length) break;
    }
    return block; // what no piece covers is padding
  }
}

/** @param {Blob} piece @param {number} from @param {number} to @returns {Promise<Uint8Array>} */
async function read(piece, from, to) {
  let bytes;
  try {
    bytes = new Uint8Array(await piece.slice(from, to).arrayBuffer());
  } catch {
    throw changed(piece);
  }
  if (bytes.length !== to - from) throw changed(piece);
  return bytes;
}

function changed(piece) {
  return new Refusal("seal.file_changed", { name: "name" in piece ? piece.name : "" });
}
