"""One whole trade played through the HTTP API with real files: what `make demo` shows."""
