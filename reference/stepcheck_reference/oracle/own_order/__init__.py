"""Own order: the operations of a rule in the order in which code computes them, as read from it."""
