"""Algebra: recurrences solved, unrolled and proved by induction, and expressions decided to be equal."""
