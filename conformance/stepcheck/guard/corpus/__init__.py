"""The corpus: what every cell is put through."""
