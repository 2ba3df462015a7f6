/**
 * What a package holds of the log: receipts and trail bundles at hand are held against it (docs/spec/verify.md). The
 * same as archive/package/holding.py. libsodium must be `ready`.
 */

import { hex, unhex } from "../bytes.js";
import { leafHash, root } from "../merkle.js";
import { Refusal } from "../refusal.js";
import { step } from "./steps.js";

const FILED = "trade.archived";

/** A package that held. */
export class Holding {
  /**
   * @param {string} trade
   * @param {string} digest SHA-256 of its payload manifest, hexadecimal
   * @param {number} size of the log in its checkpoint
   * @param {Map<string, number>} indexes of its entries by commitment (hexadecimal), in the order of the log
   */
  constructor(trade, digest, size, indexes) {
    this.trade = trade;
    this.digest = digest;
    this.size = size;
    this.indexes = indexes;
  }

  /**
   * 8. The receipt of an entry of this trade is for one that the package holds; return the step.
   * Refusals: `receipt.not_filed`, for the receipt of another filing `package.not_as_filed`.
   * @param {import("./receipt.js").Receipt} receipt
   * @returns {import("./steps.js").Step}
   */
  checkReceipt({ event, commitment }) {
    if (event.kind === FILED) {
      this.#checkFiling(event.data);
      return step(8, "filed", String(this.indexes.size));
    }
    const index = this.indexes.get(hex(commitment));
    if (index === undefined) throw new Refusal("receipt.not_filed");
    return step(8, "filed", String(index));
  }

  /**
   * 8. An entry of this trade that the log held at the filing is in the package.
   * Refusals: `bundle.not_filed` with the index, `package.not_as_filed`.
   * @param {import("./entries.js").Opened} opened
   */
  checkEntry({ event, index, commitment }) {
    if (event.kind === FILED) this.#checkFiling(event.data);
    else if (index < this.size && this.indexes.get(hex(commitment)) !== index)
      throw new Refusal("bundle.not_filed", { index });
  }

  /** What `trade.archived` says of the package is so. @param {Record<string, unknown>} said */
  #checkFiling(said) {
    const leaves = [...this.indexes.keys()].map((commitment) => leafHash(unhex(commitment)));
    const told = { package: this.digest, log: this.size, entries: leaves.length, root: hex(root(leaves)) };
    for (const [name, value] of Object.entries(told))
      if (said[name] !== value) throw new Refusal("package.not_as_filed");
  }
}
