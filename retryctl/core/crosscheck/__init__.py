"""Compare what a function logged with what ran."""
