"""Shrinking: from a script that breaks a law to the smallest one that does."""
