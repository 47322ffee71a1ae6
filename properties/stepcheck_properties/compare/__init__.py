"""Comparison of two runs, or of a run with exact numbers: equal, equivalent within rounding, or equivariant."""
