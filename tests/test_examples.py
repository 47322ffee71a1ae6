"""The examples do what their docstrings say of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import stepcheck

ROOT = Path(__file__).resolve().parents[1]
PATH = "examples/handwritten.py"

pytestmark = pytest.mark.usefixtures("one_template")


def claims() -> list[tuple[str, str, bool]]:
    """Return (class, rule, whether it keeps that rule) as the classes' docstrings say."""
    found = []
    for node in ast.parse((ROOT / PATH).read_text()).body:
        if isinstance(node, ast.ClassDef):
            said = ast.get_docstring(node) or ""
            kept = re.search(r"keeps ``([\w+]+)``", said)
            assert kept is not None, node.name
            found.append((node.name, kept[1], True))
            found += [(node.name, other, False) for other in re.findall(r"not ``([\w+]+)``", said)]
    return found


@pytest.mark.parametrize(("name", "rule", "keeps"), claims())
def test_an_example_keeps_the_rule_it_says_and_no_other(name: str, rule: str, keeps: bool) -> None:
    certificate = stepcheck.certify(f"{PATH}:{name}", rule=rule, dtypes=["float32", "float64"])
    assert certificate.exit_code() == (0 if keeps else 1), [failure.message for failure in certificate.failures]
    assert certificate.compared > 10_000


def test_the_docstrings_say_both_what_is_kept_and_what_is_not() -> None:
    assert {keeps for _, _, keeps in claims()} == {True, False}
