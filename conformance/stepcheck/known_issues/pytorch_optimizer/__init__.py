"""Known issues of pytorch_optimizer."""
