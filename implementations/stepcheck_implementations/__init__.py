"""Subjects: adapters for optimizers under test, and the worker that runs them."""
