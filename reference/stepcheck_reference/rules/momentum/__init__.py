"""Momentum, Nesterov momentum and Lion."""
