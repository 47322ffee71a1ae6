"""Gradient descent, its sign and its average."""
