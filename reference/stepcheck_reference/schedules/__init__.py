"""Schedules: what the formulas of learning-rate schedulers give, with the rounding that binary64 has."""
