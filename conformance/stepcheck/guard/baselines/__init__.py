"""Baselines: recordings on disk, the unfinished ones, and those that the cache keeps."""
