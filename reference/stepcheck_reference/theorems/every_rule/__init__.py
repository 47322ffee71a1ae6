"""Theorems about every rule with some property."""
