"""Variants: combinations of the choices in which optimizers differ, their names and words."""
