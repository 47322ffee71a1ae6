"""What the pytest plugin runs: cases, sessions, outcomes."""
