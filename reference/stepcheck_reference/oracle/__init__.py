"""The oracle: where a rule says that every element has to land, with a computed radius, and how far off it landed."""
