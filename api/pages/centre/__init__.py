"""Pages of the centre's staff: the acceptance desk, trades of a site, halls."""
