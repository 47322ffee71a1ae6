"""Classes: what a class without an adapter inherits, is built from, keeps of its parameters and can be changed in."""
