"""SC401 to SC502: rules that are special cases of others, and first steps in closed form."""
