"""Tests of standalone programs."""
