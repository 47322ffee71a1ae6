"""Weight decays: what is added to a gradient, or what parameters shrink by."""
