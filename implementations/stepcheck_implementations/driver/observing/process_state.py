"""What a process shares that a step should leave as it was: random numbers, and torch's settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

SEED = 20_170_531
"""What all random numbers are seeded with, so that reseeding with a usual number shows."""


def _numpy_state() -> object:
    state = np.random.get_state(legacy=False)["state"]
    return state["key"].tobytes(), state["pos"]


_READERS: Mapping[str, Callable[[], object]] = {
    "torch's random numbers": lambda: bytes(torch.get_rng_state().numpy()),
    "numpy's random numbers": _numpy_state,
    "Python's random numbers": random.getstate,
    "torch's gradient mode": torch.is_grad_enabled,
    "torch's default dtype": torch.get_default_dtype,
    "torch's deterministic algorithms": torch.are_deterministic_algorithms_enabled,
}


def process_state() -> dict[str, object]:
    """Return random numbers and settings as values that are equal where nothing has changed."""
    return {name: read() for name, read in _READERS.items()}


def disturbed(before: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of what has changed since ``process_state`` returned ``before``."""
    now = process_state()
    return tuple(name for name, value in before.items() if now[name] != value)


@contextmanager
def seeded() -> Iterator[None]:
    """Seed all random numbers; at the end they, and whether gradients are enabled, are what they were."""
    numpy_state, python_state, enabled = np.random.get_state(), random.getstate(), torch.is_grad_enabled()
    deterministic = torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        np.random.seed(SEED)
        random.seed(SEED)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)
            random.setstate(python_state)
            torch.set_grad_enabled(enabled)
            if torch.are_deterministic_algorithms_enabled() != deterministic:
                torch.use_deterministic_algorithms(deterministic)
