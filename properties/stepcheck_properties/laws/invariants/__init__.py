"""SC3xx: invariants of rules."""
