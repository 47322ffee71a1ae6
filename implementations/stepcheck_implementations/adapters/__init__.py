"""Adapters: the names of each library's optimizers, mapped to the alphabet, and the arithmetic that it declares."""
