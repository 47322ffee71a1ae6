"""Environments: other releases of torch, installed by uv."""
