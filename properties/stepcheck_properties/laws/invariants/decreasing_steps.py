"""Fading steps: where squares only add up, the step that a gradient leads to never grows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper
from stepcheck_properties.scripts.from_zero import from_zero, is_from_zero
from stepcheck_reference.facts import is_fading
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Script, Tensor

STEPS = 7


def _fades(facts: Facts) -> bool:
    return is_fading(facts.rule) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    def gradient(index: int, tensor: Tensor, step: int) -> Data:
        """One gradient at odd steps, others and none between."""
        if step % 2:
            return drawn(seed, "normal", "fading", index)
        return drawn(seed, "sparse", "fading", index, step)

    hypers = [hyper(facts, turn, weight_decay=0.0) for turn in (0, 1)]
    yield from_zero(facts, ((5,), ()), hypers, STEPS, gradient)


def _never_grows(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, found = 0, list[Breach]()
    for index, tensor in enumerate(script.tensors) if is_from_zero(script) else ():
        seen: dict[bytes, int] = {}
        for step in range(1, trajectory.steps + 1):
            data = script.steps[step - 1].gradients[index]
            assert data is not None, "a script from zero has every gradient"
            key = expand(data, tensor.size, tensor.dtype).tobytes()
            last, seen[key] = seen.get(key), step
            if last is None:
                continue
            then, now = (np.asarray(trajectory.traces[index].theta[at - 1], np.float64) for at in (last, step))
            compared += now.size
            grown = np.flatnonzero(np.abs(now) > np.abs(then))
            if grown.size and not found:
                at = int(grown[0])
                ours, least = float(now[at]), float(then[at])
                told = f"theta={ours!r}, but should be no further from 0 than {least!r}, where step {last} led"
                deviation = Deviation("theta", index, step, at, ours, least, 0.0, float("inf"), {})
                found.append(Breach("theta", index, step, float("inf"), told, deviation))
    return CheckOutcome(compared, tuple(found))


DECREASING_STEPS = Law(
    code="SC303",
    title="the step of one and the same gradient never grows",
    sentence="Without weight decay, at constant hyper-parameters, the step that a gradient leads to is never "
    "longer than the one that it led to before.",
    source="Duchi, Hazan & Singer 2011, Figure 1: the sum of squares never falls",
    since="0.2",
    applies=_fades,
    check=_never_grows,
    condition="a step is proved to be the gradient times what never grows, as AdaGrad's",
    unit="reals",
    mathematics="""\
The step is g*r(h, t), with h a sum of squares that never falls, and dr/dh <= 0, dr/dt <= 0. Parameters are put back
to 0 before each step, so that what they hold after it is the step, and every rounding on the way to it is monotone:
a longer step is no rounding error. RMSprop and Adam do not have this property: their averages forget.""",
    remedy="""\
Print the sum of squares. If it decays, or is reset, the rule is another one; if it is right, the rate that
multiplies the gradient grows with the count.""",
    example="""\
class AdagradThatForgets(torch.optim.Optimizer):
    ...
    h.mul_(0.9).addcmul_(g, g)                           # AdaGrad's sum keeps all of h""",
    scripts=_scripts,
    theorem="adagrad_effective_step_never_grows",
)
