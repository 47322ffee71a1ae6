"""Scripts that laws and edge cases are made of."""
