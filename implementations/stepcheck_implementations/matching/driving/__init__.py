"""Optimizers that are given parameters and gradients, as ``update(params, grads)``, driven as those with ``step()``."""
