"""Records to attempts, attempts to requests."""
