"""Shrinking: from a script that breaks a law to a smaller one that breaks it in the same output."""
