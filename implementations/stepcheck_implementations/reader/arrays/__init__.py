"""NumPy arrays that are read as tensors are: every operation on them is written down."""
