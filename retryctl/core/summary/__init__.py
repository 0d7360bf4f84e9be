"""Figures of many requests."""
