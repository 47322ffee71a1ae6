"""Known issues of the foreach paths of torch."""
