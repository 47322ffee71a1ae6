"""Standalone programs: a failure as a short program that needs neither stepcheck nor Hypothesis."""
