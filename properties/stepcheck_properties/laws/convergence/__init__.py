"""SC601 to SC607: convergence and divergence, where a theorem says how far."""
