"""Users, what they are granted, how they come in, and the keys of their devices."""
