"""Rectified Adam."""
