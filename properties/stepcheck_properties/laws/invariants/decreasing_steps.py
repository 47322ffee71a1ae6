"""Decreasing steps: where squares of gradients only add up, the step for a given gradient never grows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from stepcheck_properties.compare.breaches import wrong_real
from stepcheck_properties.law import THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import drawn, hyper
from stepcheck_properties.scripts.from_zero import from_zero, is_from_zero
from stepcheck_reference.facts import is_fading
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Script, Tensor

STEPS = 7


def _decreases(facts: Facts) -> bool:
    return is_fading(facts.rule) is True


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    def gradient(index: int, tensor: Tensor, step: int) -> Data:
        """The same gradient at odd steps, others and none in between."""
        if step % 2:
            return drawn(seed, "normal", "fading", index)
        return drawn(seed, "sparse", "fading", index, step)

    hypers = [hyper(facts, turn, weight_decay=0.0) for turn in (0, 1)]
    yield from_zero(facts, ((5,), ()), hypers, STEPS, gradient)


def _check_decreasing(evidence: Evidence) -> CheckOutcome:
    script, trajectory = evidence.script, evidence.trajectory
    compared, breaches = 0, list[Breach]()
    for index, tensor in enumerate(script.tensors) if is_from_zero(script) else ():
        latest: dict[bytes, int] = {}
        for step in range(1, trajectory.steps + 1):
            data = script.steps[step - 1].gradients[index]
            assert data is not None, "a script from zero has every gradient"
            key = expand(data, tensor.size, tensor.dtype).tobytes()
            earlier, latest[key] = latest.get(key), step
            if earlier is None:
                continue
            then, now = (np.asarray(trajectory.traces[index].theta[at - 1], np.float64) for at in (earlier, step))
            compared += now.size
            grown = np.flatnonzero(np.abs(now) > np.abs(then))
            if grown.size and not breaches:
                at = int(grown[0])
                observed, most = float(now[at]), float(then[at])
                message = f"theta={observed!r}, but should be no further from 0 than {most!r}, as in step {earlier}"
                breaches.append(wrong_real(THETA, index, step, at, observed, most, message))
    return CheckOutcome(compared, tuple(breaches))


DECREASING_STEPS = Law(
    code="SC303",
    title="the step for a given gradient never grows",
    sentence="Without weight decay, at constant hyper-parameters, the step for a gradient is never longer than an "
    "earlier step for the same gradient.",
    source="Duchi, Hazan & Singer 2011, Figure 1: the sum of squares never falls",
    since="0.2",
    applies=_decreases,
    check=_check_decreasing,
    condition="a step is proved to be the gradient times something that never grows, as in AdaGrad",
    unit="reals",
    mathematics="""\
The step is g*r(h, t), where h is a sum of squares that never decreases, and dr/dh <= 0, dr/dt <= 0. Parameters are
put back to 0 before each step, so that after it they are the step, and every rounding on the way is monotone: a longer
step is not a rounding error. RMSprop and Adam do not have this property, because their averages forget.""",
    remedy="""\
Print the sum of squares. If it decays or is reset, the rule is another one; if it is right, the factor of the gradient
grows with the step count.""",
    example="""\
class AdagradThatForgets(torch.optim.Optimizer):
    ...
    h.mul_(0.9).addcmul_(g, g)                           # AdaGrad adds to h without a decay""",
    scripts=_scripts,
    theorem="adagrad_effective_step_never_grows",
)
