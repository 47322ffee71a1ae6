"""Observing: the steps of code that cannot be read, on inputs that tell rules apart."""
