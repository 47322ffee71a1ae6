"""Theorems about adaptive rules: Adam and its relatives, AdaGrad."""
