"""Comparison of recordings, and what counts as rounding."""
