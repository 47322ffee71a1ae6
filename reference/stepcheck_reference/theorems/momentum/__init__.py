"""Theorems about momentum and its Nesterov forms."""
