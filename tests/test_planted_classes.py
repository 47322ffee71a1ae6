"""The planted optimizers themselves: listed, named, described, and able to run."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

import planted

FOLDER = Path(planted.__file__).parent
EVERY = planted.WRONG + planted.RIGHT


@pytest.fixture(autouse=True)
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a file of the folder import one beside it, as workers do."""
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


def load(file: str) -> ModuleType:
    """Return the module in ``file`` of the planted folder."""
    spec = importlib.util.spec_from_file_location(f"planted_{file.removesuffix('.py')}", FOLDER / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_class_in_the_folder_is_listed_once() -> None:
    written = {
        f"{path.name}:{node.name}"
        for path in FOLDER.glob("[!_]*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    listed = [entry.where for entry in EVERY]
    assert sorted(listed) == sorted(written)


def test_every_class_says_in_one_sentence_what_it_claims() -> None:
    for entry in EVERY:
        file, _, name = entry.where.partition(":")
        sentence = getattr(load(file), name).__doc__
        assert sentence.startswith("Claims "), entry.where
        assert sentence.endswith("."), entry.where
        assert "\n" not in sentence, entry.where


def test_every_wrong_class_breaks_a_law_and_no_control_does() -> None:
    assert all(entry.breaks for entry in planted.WRONG)
    assert not any(entry.breaks for entry in planted.RIGHT)


@pytest.mark.parametrize("entry", [e for e in EVERY if "faults" not in e.where], ids=lambda e: e.name)
def test_every_class_takes_three_ordinary_steps(entry: planted.Planted) -> None:
    file, _, name = entry.where.partition(":")
    parameter = torch.nn.Parameter(torch.ones(3, dtype=getattr(torch, entry.dtype)))
    optimizer = getattr(load(file), name)([parameter], lr=0.1)

    def closure() -> float:
        parameter.grad = torch.full_like(parameter, 0.5)
        return 0.0

    for _ in range(3):
        closure()
        optimizer.step(*([closure] if inspect.signature(optimizer.step).parameters else []))
    assert parameter.shape == (3,)
