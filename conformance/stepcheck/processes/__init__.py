"""Processes that evaluate cells and do guard's jobs."""
