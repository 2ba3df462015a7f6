"""Pages of purchasers and agencies: from the sketch of a tender to its contract."""
