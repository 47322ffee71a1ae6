"""Warnings as lines, and what is global to the process restored afterwards."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch

from stepcheck_implementations.driver.error_text import one_line, printable

_INTERNAL = re.compile(r"\s*\(Triggered internally at [^)]*\)")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+\b")
_ANY_ADDRESS = "0x…"


def stable_line(line: str) -> str:
    """Return ``line`` without what differs between runs and builds: addresses, locations in C++ files."""
    return _ADDRESS.sub(_ANY_ADDRESS, _INTERNAL.sub("", line))


def stable_error(error: BaseException) -> str:
    """Return the kind and message of ``error`` in one line that is the same in every run."""
    return stable_line(one_line(error))


@contextmanager
def captured_warnings() -> Iterator[list[str]]:
    """Yield a list that holds, once the block has ended, each warning raised in it as "Category: message".

    Random states, default dtype, gradient mode and warning filters are restored, whatever the block does.
    """
    _first_optimizer()
    lines: list[str] = []
    dtype, always = torch.get_default_dtype(), torch.is_warn_always_enabled()
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with (
            torch.random.fork_rng(devices=[]),
            torch.set_grad_enabled(True),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            torch.set_warn_always(True)
            yield lines
    finally:
        torch.set_warn_always(always)
        torch.set_default_dtype(dtype)
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        lines += [stable_line(printable(f"{w.category.__name__}: {w.message}")) for w in caught]


@cache
def _first_optimizer() -> None:
    """Take one step, because the first one of a process imports modules, whose warnings are not the optimizer's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parameter = torch.nn.Parameter(torch.zeros(1))
        parameter.grad = torch.zeros(1)
        torch.optim.SGD([parameter], lr=1.0).step()


def count_lines(lines: list[str]) -> dict[str, int]:
    """Return each of ``lines`` once, in order, and how often it occurs."""
    return {line: lines.count(line) for line in dict.fromkeys(lines)}
