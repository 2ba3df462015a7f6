"""The acts of one whole trade, played by clicks in browsers alone."""
