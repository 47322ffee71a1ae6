"""The examples do what their docstrings say of them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import stepcheck
from stepcheck.certification.request import WrongRequest

ROOT = Path(__file__).resolve().parents[2]
PATH = "examples/handwritten.py"

pytestmark = pytest.mark.usefixtures("shared_fork_server")


def claims() -> list[tuple[str, str, bool]]:
    """Return (class or function, rule, whether it keeps that rule) as the docstrings say."""
    found = []
    for node in ast.parse((ROOT / PATH).read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            said = ast.get_docstring(node) or ""
            kept = re.search(r"[Kk]eeps (?:``([\w+]+)``|no rule)", said)
            assert kept is not None, node.name
            found += [(node.name, kept[1], True)] if kept[1] else []
            found += [(node.name, other, False) for other in re.findall(r"not ``([\w+]+)``", said)]
    return found


@pytest.mark.parametrize(("name", "rule", "keeps"), claims())
def test_an_example_keeps_the_rule_it_says_and_no_other(name: str, rule: str, keeps: bool) -> None:
    target, dtypes = f"{PATH}:{name}", ["float32", "float64"] if keeps else ["float32"]
    if name == "Rprop" and not keeps:
        with pytest.raises(WrongRequest, match=r"takes \(params, lr=0\.01\), but rprop needs eta_minus"):
            stepcheck.certify(target, rule=rule, dtypes=dtypes)
        return
    certificate = stepcheck.certify(target, rule=rule, dtypes=dtypes)
    assert certificate.exit_code() == (0 if keeps else 1), [failure.message for failure in certificate.failures]
    assert certificate.compared > (10_000 if keeps else 5_000)  # what becomes nan is no input to the next step


def test_the_docstrings_say_both_what_is_kept_and_what_is_not() -> None:
    assert {keeps for _, _, keeps in claims()} == {True, False}


def test_what_keeps_no_rule_is_still_refused_as_what_it_is_taken_for() -> None:
    kept = {name for name, _, keeps in claims() if keeps}
    assert {name for name, _, keeps in claims() if not keeps} - kept == {"AdamOffByOne", "NAdamOffByOne"}
