"""Reports of guard: what a check found, and releases side by side."""
