"""The oracle: judges a trajectory against a rule, step by step, with a radius for every element."""
