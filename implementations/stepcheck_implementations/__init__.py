"""Optimizers under test: adapters that describe them, workers that run them, the recorder that stores what they do."""
