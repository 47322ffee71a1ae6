"""Proving: two steps are the same function for every input, under the relation of their states."""
