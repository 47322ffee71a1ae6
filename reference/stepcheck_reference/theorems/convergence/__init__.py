"""Theorems about convergence: rates, regret, and examples on which a rule diverges."""
