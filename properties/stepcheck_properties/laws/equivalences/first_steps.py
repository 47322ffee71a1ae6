"""First steps: the step for a first gradient, or for a constant one, in closed form."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.law import THETA, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.exact_scripts import all_steps_hyper, exact_script, first_step_hyper
from stepcheck_properties.scripts.exact_traces import check_exact, dyadic, exact_trace
from stepcheck_reference.alphabet import theta
from stepcheck_reference.scripts.script import Script


def _has_exact_first_step(facts: Facts) -> bool:
    return bool(first_step_hyper(facts))


def _has_constant_steps(facts: Facts) -> bool:
    return bool(facts.rule.init) and bool(all_steps_hyper(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield exact_script(facts)


def _check_first_step(evidence: Evidence) -> CheckOutcome:
    def expected(tensor: int, step: int) -> float | None:
        trace = exact_trace(evidence.rule, evidence.script, tensor) if step == 1 else None
        return None if trace is None else dyadic(trace[1][theta], evidence.script.tensors[tensor].dtype)

    return check_exact(evidence, THETA, expected)


def _check_constant_steps(evidence: Evidence) -> CheckOutcome:
    def expected(tensor: int, step: int) -> float | None:
        trace = exact_trace(evidence.rule, evidence.script, tensor)
        if step == 1 or trace is None or len({row[theta] for row in trace[1:]}) > 1:
            return None
        observed = evidence.trajectory.traces[tensor].theta
        return float(observed[0, 0]) if observed.size else None

    return check_exact(evidence, THETA, expected)


FIRST_STEP = Law(
    code="SC501",
    title="the first step is that of the rule's formula",
    sentence="The first step from initial states is that of the rule's equations at t = 1: for Adam -lr*g/(|g| + eps), "
    "with eps hat -lr*g/(|g| + eps/sqrt(1 - beta2)), with eps inside the root -lr*g/sqrt(g**2 + eps).",
    source="Kingma & Ba 2015, Algorithm 1 at t = 1",
    since="0.2",
    applies=_has_exact_first_step,
    check=_check_first_step,
    condition="there are weights and an eps for which the first step is exact in every dtype",
    unit="reals",
    mathematics="""\
Bias correction divides by the weight of the first gradient: m_hat = g, v_hat = g**2. At beta1 = 1/2, beta2 = 3/4 and g
= 2 all moments, corrections and roots are numbers of few bits, and for a suitable eps so is their quotient. The step is
then computed without rounding in any order, and the expected value is computed in fractions from the rule's equations.
A subject that rounds nevertheless has to stay inside its envelope.""",
    remedy="""\
Compute one step by hand. If it is off by a factor of 1 - beta1 or sqrt(1 - beta2), a bias correction is missing; if it
is right only at eps = 0, eps is in another place.""",
    example="""\
class AdamEpsHat(torch.optim.Optimizer):
    ...
    step = lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (v.sqrt() + eps)     # eps times 1/sqrt(1 - beta2)""",
    scripts=_scripts,
    theorem="adam_first_step",
)

CONSTANT_GRADIENT = Law(
    code="SC502",
    title="a constant gradient gives a constant step",
    sentence="If bias is corrected, a constant gradient gives the same step at every t, from initial states on.",
    source="Kingma & Ba 2015, section 3: m_hat = g and v_hat = g**2 for a constant gradient",
    since="0.2",
    applies=_has_constant_steps,
    check=_check_constant_steps,
    condition="the rule has states, and its equations in fractions give the same step four times, for weights and an "
    "eps for which it is exact in every dtype",
    unit="reals",
    mathematics="""\
m_t = (1 - beta1**t)*g and v_t = (1 - beta2**t)*g**2, so dividing by 1 - beta1**t and 1 - beta2**t gives exactly g and
g**2 at every t, and not only in the limit: the corrections are the sums of the weights. One weight is 1/2 and the other
0, and eps is so far above the gradient that the last bit of a corrected root is lost in the sum. A subject with another
number has to stay inside its envelope.""",
    remedy="""\
For a constant gradient, print each step divided by the first one. If it grows toward 1, a correction is missing or is
for another t; if it decreases to 1, the correction is that of the previous step.""",
    example="""\
class AdamWithoutFirstMomentCorrection(torch.optim.Optimizer):
    ...
    p.addcdiv_(m, (v / (1 - beta2**t)).sqrt() + eps, value=-lr)                # m is still (1 - beta1**t)*g""",
    scripts=_scripts,
    theorem="constant_gradient_is_its_corrected_moments",
)
