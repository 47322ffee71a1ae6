"""SC6xx: convergence and divergence."""
