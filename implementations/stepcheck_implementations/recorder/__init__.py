"""The recorder: what guard stores of optimizers, schedulers and their APIs under one release of torch."""
