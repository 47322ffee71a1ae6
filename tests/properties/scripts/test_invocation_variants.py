"""The reference run of an invocation variant is the script without it, and a rejection has to come early."""

from __future__ import annotations

from dataclasses import replace

import pytest

from properties.adam_in_float32 import ADAM, AdamInFloat32
from stepcheck_properties.law import Evidence, Facts
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, rejected, with_invocation
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.scripts.trajectory import Fault, Trajectory

FACTS = Facts(ADAM)
PLAIN = ordinary(FACTS, 1)


def evidence(first: Trajectory, second: Trajectory) -> Evidence:
    """Return the evidence of two runs of one script."""
    other = Evidence(ADAM, PLAIN, second, lambda: Judgement(""))
    return Evidence(ADAM, PLAIN, first, lambda: Judgement(""), other)


def test_only_the_named_variants_are_removed() -> None:
    script = with_invocation(PLAIN, "closure", "sparse")
    reference = plain_invocation("sparse")(script, FACTS)
    assert reference is not None
    assert reference.script == with_invocation(PLAIN, "closure")
    assert plain_invocation("scheduler")(script, FACTS) is None


@pytest.mark.parametrize(
    ("kind", "step", "message", "expected"),
    [
        ("raised", 0, "ValueError: no", True),
        ("raised", 1, "TypeError: no", True),
        ("raised", 1, "ValueError: no", False),
        ("raised", 2, "TypeError: no", False),
        ("raised", 2, "NotImplementedError: no such kernel", True),
        ("crashed", 1, "TypeError: no", False),
    ],
)
def test_a_rejection_is_an_exception_of_a_given_kind_no_later_than_in_the_first_step(
    kind: str, step: int, message: str, expected: bool
) -> None:
    plain = AdamInFloat32()(PLAIN)
    faulty = replace(plain, fault=Fault(kind, message, step))
    assert rejected(evidence(faulty, plain), kinds=("TypeError",), steps=1) is expected
    assert not rejected(evidence(plain, plain), kinds=("TypeError",), steps=1)


def test_an_exception_of_both_runs_is_no_rejection() -> None:
    plain = AdamInFloat32()(PLAIN)
    faulty = replace(plain, fault=Fault("raised", "TypeError: no", 1))
    assert not rejected(evidence(faulty, faulty), steps=1)
