"""Within rounding: two runs may differ by rounding alone, whether they follow the rule or another formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from properties.adam_in_float32 import ADAM, ARITHMETICS, AdamInFloat32
from stepcheck_properties.harness import Harness
from stepcheck_properties.law import CheckOutcome, Facts, Law, ReferenceRun
from stepcheck_properties.laws.invariants.permutation import PERMUTATION_EQUIVARIANCE
from stepcheck_properties.laws.lifecycles.sparse_gradients import SPARSE_GRADIENT
from stepcheck_properties.profile import QUICK
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory

FACTS = Facts(ADAM, frozenset({"m", "v"}), shows_step_count=True)
CORRECT, WRONG = AdamInFloat32(), AdamInFloat32(eps_inside=True)
WITHIN_ROUNDING = (PERMUTATION_EQUIVARIANCE, SPARSE_GRADIENT)


BIT, FAR = np.float32(2.0**-24), np.float32(1e-3)


def checked(law: Law, subject: AdamInFloat32, shifts: Mapping[int, np.float32]) -> CheckOutcome:
    """Return the outcome of ``law`` for ``subject`` with one parameter of its first run shifted in some steps."""
    assert law.scripts is not None

    def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        trajectory = subject(script)
        if reference is not None:
            return trajectory
        trace = trajectory.traces[0]
        theta = np.array(trace.theta)
        for step, much in shifts.items():
            theta[step - 1, 0] *= 1 + 2 * much
        return replace(trajectory, traces=(replace(trace, theta=theta), *trajectory.traces[1:]))

    (script,) = law.scripts(FACTS, QUICK, 3)
    evidence = Harness(run, ADAM, ARITHMETICS, "float32", FACTS).evidence(law, script)
    assert evidence is not None
    return law.check(evidence)


@pytest.mark.parametrize("subject", [CORRECT, WRONG], ids=["correct", "wrong"])
@pytest.mark.parametrize("law", WITHIN_ROUNDING, ids=lambda law: law.code)
def test_a_last_bit_may_differ_in_a_correct_formula_and_in_a_wrong_one(law: Law, subject: AdamInFloat32) -> None:
    outcome = checked(law, subject, {1: BIT})
    assert outcome.compared > 0
    assert outcome.breaches == ()


@pytest.mark.parametrize("subject", [CORRECT, WRONG], ids=["correct", "wrong"])
@pytest.mark.parametrize("law", WITHIN_ROUNDING, ids=lambda law: law.code)
def test_more_than_rounding_breaks_in_a_correct_formula_and_in_a_wrong_one(law: Law, subject: AdamInFloat32) -> None:
    (breach,) = checked(law, subject, {2: FAR}).breaches
    assert (breach.output, breach.tensor, breach.step) == ("theta", 0, 2)


@pytest.mark.parametrize("law", WITHIN_ROUNDING, ids=lambda law: law.code)
def test_elements_are_not_compared_after_they_have_diverged(law: Law) -> None:
    assert checked(law, WRONG, {1: BIT, 2: FAR}).breaches == ()
