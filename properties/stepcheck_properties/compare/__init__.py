"""Comparison of two runs: equal, equivalent within rounding, or equivariant."""
