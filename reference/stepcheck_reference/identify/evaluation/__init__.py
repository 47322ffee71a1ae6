"""Evaluation: steps run in arrays, in numbers of 200 bits and in expressions."""
