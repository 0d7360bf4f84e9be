"""Checks of a function's configuration: facts in, results with evidence and remedy out."""
