"""Theorems about convergence: rates, regret, and examples where a rule diverges."""
