"""Known issues of the fused kernels of torch."""
