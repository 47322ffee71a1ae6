"""The recorder: what guard stores of optimizers and schedulers under one torch."""
