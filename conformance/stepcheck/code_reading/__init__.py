"""Code reading: a target in, the equations that its steps compute out."""
