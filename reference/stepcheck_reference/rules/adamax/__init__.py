"""AdaMax."""
