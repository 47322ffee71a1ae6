"""``stepcheck prove``: theorems printed as they are proved, and the exit code."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from conformance.command import ROOT, stepcheck
from stepcheck.proving import Proved, exit_code, prove, to_dict
from stepcheck.report.theorem_lines import render_theorem, render_totals
from stepcheck_reference.rules import UnknownRule, find
from stepcheck_reference.theorems import ALL
from stepcheck_reference.theorems.theorem import Proof, Theorem

FALSE = Theorem(
    name="false",
    sentence="Every rule is gradient descent.",
    source="nobody",
    condition="never",
    applies=lambda rule: True,
    prove=lambda rule: Proof("refuted", "it divides", "g = 2"),
)
OPEN = replace(FALSE, name="open", prove=lambda rule: Proof("undecided", "nothing was found"))
MIXED = replace(FALSE, name="mixed", prove=lambda rule: Proof("proved" if rule.name == "sgd" else "undecided", "seen"))


def test_all_theorems_are_proved_and_counted() -> None:
    done = stepcheck("prove")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(ALL) + 1
    assert all(one.startswith("✓ proved ") for one in lines[:-1])
    assert lines[-1].startswith(f"{len(ALL)} theorems, ")
    assert lines[-1].endswith(f": {len(ALL)} proved, 0 undecided, 0 refuted")


def test_one_rule_has_its_theorems_alone() -> None:
    done = stepcheck("prove", "lion", "--verbose")
    assert done.returncode == 0
    assert "lion: Scaling all gradients by c > 0 never changes the steps of a rule that takes signs" in done.stdout
    assert "    source   " in done.stdout
    assert "    how      " in done.stdout
    assert "AMSGrad" not in done.stdout


def test_an_unknown_rule_is_a_wrong_request_with_the_nearest_name() -> None:
    done = stepcheck("prove", "adamm")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean adam" in done.stderr
    with pytest.raises(UnknownRule):
        list(prove("adamm"))


def test_json_holds_every_theorem_and_proof() -> None:
    done = stepcheck("prove", "adamw", "--json")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    assert data["counts"]["refuted"] == data["counts"]["undecided"] == 0
    assert data["counts"]["proved"] == len(data["theorems"])
    (decoupled,) = (one for one in data["theorems"] if one["name"] == "decoupled_decay_is_independent_of_gradients")
    assert decoupled["proofs"][0]["rules"] == ["adamw"]
    assert decoupled["proofs"][0]["status"] == decoupled["status"] == "proved"


def test_a_rule_may_have_rewrites() -> None:
    results = list(prove("sgd+coupled_decay+maximize"))
    assert results
    assert exit_code(results) == 0


@pytest.mark.parametrize(("theorem", "status"), [(FALSE, "refuted"), (OPEN, "undecided"), (MIXED, "undecided")])
def test_what_is_not_proved_is_reported_and_exits_with_1(theorem: Theorem, status: str) -> None:
    results = list(prove(None, (theorem,)))
    assert [result.status for result in results] == [status]
    assert exit_code(results) == 1
    assert to_dict(results)["counts"][status] == 1
    assert f"1 {status}" in render_totals(results)


def test_the_witness_is_below_the_line() -> None:
    refuted = Proved(FALSE, (((find("adam"),), FALSE.prove(find("adam"))),))
    assert render_theorem(refuted).splitlines() == [
        "✗ refuted   adam: Every rule is gradient descent.",
        "    refuted for adam: it divides (g = 2)",
    ]
    undecided = Proved(OPEN, (((find("adam"),), OPEN.prove(find("adam"))),))
    assert render_theorem(undecided).splitlines()[0].startswith("? undecided adam: ")


def test_one_case_that_fails_is_shown_among_many_that_hold() -> None:
    (result,) = prove(None, (MIXED,))
    lines = render_theorem(result).splitlines()
    assert "rules: Every rule" in lines[0]
    assert not any("for sgd:" in one for one in lines)
    assert any("undecided for adam: seen" in one for one in lines)


def test_the_page_of_theorems_is_what_prove_prints() -> None:
    page = (ROOT / "docs" / "theorems.md").read_text(encoding="utf-8")
    (printed,) = re.findall(r"```console\n\$ stepcheck prove\n(.*?)```", page, re.DOTALL)
    results = list(prove())
    lines = [*map(render_theorem, results), render_totals(results)]
    assert printed.splitlines() == lines, "write docs/theorems.md anew: python benchmarks/theorems.py --markdown"
