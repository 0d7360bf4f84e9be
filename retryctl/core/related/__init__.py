"""One event under several request IDs: by a key in the log, or by the pattern of a client retry."""
