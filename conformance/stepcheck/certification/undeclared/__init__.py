"""Targets without an adapter: which rule is claimed, which ones might fit, and which arithmetic explains them."""
