"""Known issues of torch."""
