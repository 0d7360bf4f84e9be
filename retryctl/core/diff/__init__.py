"""Two attempts compared line by line."""
