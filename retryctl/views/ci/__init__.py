"""Reports of a check for CI systems."""
