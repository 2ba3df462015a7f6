"""Sites, parties, projects and lots, notices, rule packs and the life of a trade."""
