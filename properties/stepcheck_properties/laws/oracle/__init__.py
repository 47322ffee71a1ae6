"""SC1xx: agreement with the oracle."""
