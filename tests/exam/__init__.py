"""What the oracle is examined with: right and wrong arithmetic, single steps, the soundness run."""
