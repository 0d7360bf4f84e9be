"""Expectations of a check, and their evaluation."""
