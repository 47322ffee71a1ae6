"""Baselines on disk, and the cache of recordings."""
