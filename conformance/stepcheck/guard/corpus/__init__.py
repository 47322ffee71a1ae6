"""The corpus: which cells are recorded, what a worker runs for each, and how cells are named and matched."""
