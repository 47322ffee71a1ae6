"""Independent computations for testing rules and the oracle: by hand, exact, correct and wrong arithmetic."""
