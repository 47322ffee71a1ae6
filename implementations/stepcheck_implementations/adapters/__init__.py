"""Adapters: libraries' names mapped to the alphabet, and how each library computes."""
