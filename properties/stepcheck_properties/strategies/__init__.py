"""Hypothesis strategies for scripts, gradients, shapes, dtypes and hyper-parameters."""
