"""The words everybody shares: actor, clock, entropy, errors, canonical bytes, database. Knows no trade."""
