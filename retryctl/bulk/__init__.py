"""One engine for saved logs of any size."""
