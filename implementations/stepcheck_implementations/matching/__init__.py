"""Matching: a class or function without an adapter, fitted to a rule by its names and by its values over a probe."""
