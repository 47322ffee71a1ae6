"""Known issues of torchao."""
