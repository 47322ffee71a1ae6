"""Examination of one cell: scripts in, a verdict on every law out."""
