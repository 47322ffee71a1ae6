"""The examples do what their docstrings say of them."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import stepcheck
from stepcheck.certification.request import WrongRequest
from stepcheck_properties import profile

ROOT = Path(__file__).resolve().parents[2]
PATH = "examples/handwritten.py"
PAIR = ("examples/slow.py", "examples/fast.py")
"""One rule in plain lines, and fast."""

pytestmark = pytest.mark.usefixtures("shared_fork_server", "no_reductions")


@pytest.fixture
def no_reductions(monkeypatch: pytest.MonkeyPatch, shared_fork_server: None) -> None:
    """Leaves failures as they were found: only whether there is one is asked here."""
    monkeypatch.setattr(profile, "ALL", tuple(replace(entry, reductions=0) for entry in profile.ALL))


def claims(path: str = PATH) -> list[tuple[str, str, bool]]:
    """Return (class or function, rule, whether it follows that rule) as the docstrings say."""
    claimed = []
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.FunctionDef) and path in PAIR:
            continue
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            docstring = ast.get_docstring(node) or ""
            follows = re.search(r"[Ff]ollows (?:``([\w+]+)``|no rule)", docstring)
            assert follows is not None, f"{path}:{node.name}: its docstring should say 'follows ``RULE``, not ``RULE``'"
            claimed += [(node.name, follows[1], True)] if follows[1] else []
            claimed += [(node.name, other, False) for other in re.findall(r"not ``([\w+]+)``", docstring)]
    return claimed


@pytest.mark.parametrize(("name", "rule", "follows"), claims())
def test_an_example_follows_the_rule_it_says_and_no_other(name: str, rule: str, follows: bool) -> None:
    target, only = f"{PATH}:{name}", {"dtypes": ["float32"], "select": ("SC1",)}
    if name == "Rprop" and not follows:
        with pytest.raises(WrongRequest, match=r"takes \(params, lr=0\.01\), but rprop needs eta_minus"):
            stepcheck.certify(target, rule=rule, **only)
        return
    certificate = stepcheck.certify(target, rule=rule, **only)
    assert certificate.exit_code() == (0 if follows else 1), [failure.message for failure in certificate.failures]
    assert certificate.compared > (10_000 if follows else 5_000)  # what becomes nan is no input to the next step


@pytest.mark.parametrize("path", PAIR)
def test_a_rule_in_plain_lines_and_fast_is_that_rule(path: str) -> None:
    ((name, rule, follows),) = claims(path)
    assert follows
    certificate = stepcheck.certify(f"{path}:{name}", rule=rule, dtypes=["float32"])
    assert certificate.exit_code() == 0, [failure.message for failure in certificate.failures]


def test_the_docstrings_say_both_what_is_followed_and_what_is_not() -> None:
    assert {follows for _, _, follows in claims()} == {True, False}


def test_an_example_that_follows_no_rule_is_still_tested_against_one() -> None:
    following = {name for name, _, follows in claims() if follows}
    assert {name for name, _, follows in claims() if not follows} - following == {"AdamOffByOne", "NAdamOffByOne"}
