"""The import of the subject in a standalone program compiles, whatever the target is called."""

from __future__ import annotations

import pytest

from stepcheck.standalone.python_source import docstring
from stepcheck.standalone.subject_imports import is_importable, subject_imports


@pytest.mark.parametrize(
    "target",
    [
        "torch.optim.SGD",
        "package.module:Outer.Inner",
        "my-package.module:Name",
        "class.module:Name",
        "some where/my-file.py:Name",
        "mine.py:make.<locals>.Mine",
        "mine.py:<lambda>",
        "torch.py:Name",
        "it's.py:Name",
        "a\\b.py:Name",
    ],
)
def test_imports_compile(target: str) -> None:
    text = "\n".join(subject_imports(target, ["import pickle"]))
    compile(text, "program.py", "exec")


def test_what_has_no_name_is_left_to_the_reader() -> None:
    assert not is_importable("mine.py:make.<locals>.Mine")
    text = "\n".join(subject_imports("mine.py:make.<locals>.Mine", []))
    assert "make.<locals>.Mine of mine.py has no name that can be imported" in text
    assert "Mine = NotImplemented" in text


@pytest.mark.parametrize("text", ['ends with "', '""" inside', "back\\slash \\N{x}", "a\x00b\nc", "plain"])
def test_a_docstring_holds_anything(text: str) -> None:
    compile(docstring(text), "program.py", "exec")
