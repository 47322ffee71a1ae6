"""What two runs may part by where bits may differ: by rounding, whether they keep to the rule or to another formula."""

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
RIGHT, WRONG = AdamInFloat32(), AdamInFloat32(eps_inside=True)
LOOSE = (PERMUTATION_EQUIVARIANCE, SPARSE_GRADIENT)


BIT, FAR = np.float32(2.0**-24), np.float32(1e-3)


def checked(law: Law, subject: AdamInFloat32, apart: Mapping[int, np.float32]) -> CheckOutcome:
    """Return what ``law`` makes of ``subject`` where a parameter of its first run is farther out, by step."""
    assert law.scripts is not None

    def run(script: Script, reference: ReferenceRun | None = None) -> Trajectory:
        found = subject(script)
        if reference is not None:
            return found
        trace = found.traces[0]
        theta = np.array(trace.theta)
        for step, much in apart.items():
            theta[step - 1, 0] *= 1 + 2 * much
        return replace(found, traces=(replace(trace, theta=theta), *found.traces[1:]))

    (script,) = law.scripts(FACTS, QUICK, 3)
    evidence = Harness(run, ADAM, ARITHMETICS, "float32", FACTS).evidence(law, script)
    assert evidence is not None
    return law.check(evidence)


@pytest.mark.parametrize("subject", [RIGHT, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("law", LOOSE, ids=lambda law: law.code)
def test_a_last_bit_may_differ_in_a_right_formula_and_in_a_wrong_one(law: Law, subject: AdamInFloat32) -> None:
    found = checked(law, subject, {1: BIT})
    assert found.compared > 0
    assert found.breaches == ()


@pytest.mark.parametrize("subject", [RIGHT, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize("law", LOOSE, ids=lambda law: law.code)
def test_what_rounding_cannot_do_breaks_in_a_right_formula_and_in_a_wrong_one(law: Law, subject: AdamInFloat32) -> None:
    (breach,) = checked(law, subject, {2: FAR}).breaches
    assert (breach.output, breach.tensor, breach.step) == ("theta", 0, 2)


@pytest.mark.parametrize("law", LOOSE, ids=lambda law: law.code)
def test_elements_that_rounding_has_parted_are_not_held_to_each_other_any_more(law: Law) -> None:
    assert checked(law, WRONG, {1: BIT, 2: FAR}).breaches == ()
