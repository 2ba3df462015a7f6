"""Opening keys, sealing, receipts, submissions and opening."""
