"""Guard: what optimizers do under one torch is recorded, and said of another to be identical, rounding or changed."""
