"""Failures: a broken law as a record, its trace, its replay token, and its replay."""
