"""Matching: a stranger's class or function fitted to a rule by names and by values."""
