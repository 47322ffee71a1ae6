"""Theorems that hold for every rule with some property."""
