"""Readings: the equations that code computes, as expressions of the old state, the gradient and hyper-parameters."""
