"""The custodians' pages: key makings, shares for openings, nonces of draws. Secrets stay in the browser's Worker."""
