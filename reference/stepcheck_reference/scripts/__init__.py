"""Scripts and trajectories: what is done to an optimizer and what it did, as plain data."""
