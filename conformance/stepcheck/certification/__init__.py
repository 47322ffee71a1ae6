"""Certification: a target in, a certificate out."""
