"""Resilient propagation."""
