"""The planted optimizers themselves: described, named once, and able to run."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from types import ModuleType

import pytest
import torch

from planted import ALL, FOLDER, RIGHT, ROOMS, WRONG, Planted, described
from stepcheck_implementations.adapters.wrappers import load_wrapper
from stepcheck_implementations.matching.classes.parameter_inputs import input_wrapper

Load = Callable[[Planted], type[torch.optim.Optimizer]]


@pytest.fixture
def class_of(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that loads a planted class; its file can import one beside it, as in a worker."""

    def load(entry: Planted) -> type[torch.optim.Optimizer]:
        path = FOLDER / entry.file
        monkeypatch.setattr(sys, "path", [str(path.parent), *sys.path])
        spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, entry.name)

    return load


def test_every_file_lies_in_a_folder_that_is_read() -> None:
    assert {path.parent.name for path in FOLDER.rglob("*.py") if path.parent != FOLDER} == set(ROOMS)


def test_names_are_unique() -> None:
    assert len({entry.name for entry in ALL}) == len(ALL)


def test_there_are_wrong_and_right_ones() -> None:
    assert WRONG
    assert RIGHT


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Claims ``adam``, breaks SC101: adds eps.", Planted("a.py", "A", "adam", frozenset({"SC101"}))),
        (
            "Claims ``sgd+maximize`` in float64 in foreach mode, hangs and breaks SC101, SC102 and SC203: never\nends.",
            Planted("a.py", "A", "sgd+maximize", frozenset({"SC101", "SC102", "SC203"}), "float64", "foreach", True),
        ),
        ("Follows ``adam``: Algorithm 1.", Planted("a.py", "A", "adam", frozenset())),
    ],
)
def test_a_docstring_says_the_rule_the_cell_and_the_laws(docstring: str, expected: Planted) -> None:
    assert described("a.py", "A", docstring) == expected


@pytest.mark.parametrize(
    "docstring",
    ["", "Adam.", "Claims ``adam``: adds eps.", "Follows ``adam``, breaks SC101: no.", "Follows ``adam``: it"],
)
def test_a_docstring_that_does_not_is_refused_with_the_form_to_use(docstring: str) -> None:
    with pytest.raises(ValueError, match="its docstring should read 'Claims ``RULE``, breaks SCnnn: what is wrong"):
        described("a.py", "A", docstring)


@pytest.mark.parametrize("entry", [entry for entry in ALL if "crashes" not in entry.file], ids=lambda entry: entry.name)
def test_every_class_takes_three_ordinary_steps(entry: Planted, class_of: Load) -> None:
    parameter = torch.nn.Parameter(torch.ones(3, dtype=getattr(torch, entry.dtype)))
    kind = class_of(entry)
    wrapper = input_wrapper(next(iter(inspect.signature(kind).parameters)))
    optimizer = (load_wrapper(wrapper)(kind, None) if wrapper else kind)([parameter], lr=0.1)

    def closure() -> float:
        parameter.grad = torch.full_like(parameter, 0.5)
        return 0.0

    for _ in range(3):
        closure()
        optimizer.step(*([closure] if inspect.signature(optimizer.step).parameters else []))
    assert parameter.shape == (3,)
