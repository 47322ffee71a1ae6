"""First steps: what is known in closed form of the step that a first gradient, or a constant one, leads to."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.exact_scripts import first_numbers, halves, later_numbers
from stepcheck_properties.scripts.exact_traces import THETA, departure, dyadic, exact_course
from stepcheck_reference.alphabet import theta
from stepcheck_reference.scripts.script import Script


def _has_first(facts: Facts) -> bool:
    return bool(first_numbers(facts))


def _is_corrected(facts: Facts) -> bool:
    return bool(facts.rule.init) and bool(later_numbers(facts))


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    yield halves(facts)


def _first(evidence: Evidence) -> CheckOutcome:
    def wanted(tensor: int, step: int) -> float | None:
        course = exact_course(evidence.rule, evidence.script, tensor) if step == 1 else None
        return None if course is None else dyadic(course[1][theta], evidence.script.tensors[tensor].dtype)

    return departure(evidence, THETA, wanted)


def _later(evidence: Evidence) -> CheckOutcome:
    def wanted(tensor: int, step: int) -> float | None:
        course = exact_course(evidence.rule, evidence.script, tensor)
        if step == 1 or course is None or len({held[theta] for held in course[1:]}) > 1:
            return None
        landed = evidence.trajectory.traces[tensor].theta
        return float(landed[0, 0]) if landed.size else None

    return departure(evidence, THETA, wanted)


FIRST_STEP = Law(
    code="SC501",
    title="the first step is what the rule's formula comes to",
    sentence="The first step from states at their start is that of the rule's equations at t = 1: of Adam "
    "-lr*g/(|g| + eps), with eps hat -lr*g/(|g| + eps/sqrt(1 - beta2)), with eps inside the root -lr*g/sqrt(g**2 + "
    "eps).",
    source="Kingma & Ba 2015, Algorithm 1 at t = 1",
    since="0.2",
    applies=_has_first,
    check=_first,
    condition="there are weights and an eps at which the first step is a number that every format holds",
    unit="reals",
    mathematics="""\
Bias correction takes the weight of the first gradient out again: m_hat = g, v_hat = g**2. At beta1 = 1/2, beta2 =
3/4 and g = 2 all moments, corrections and roots are numbers of a few bits, and at a suitable eps their quotient is
too: the step is computed without rounding, in whatever order, and is worked out here in fractions from the rule's
equations alone. Where a subject rounds nevertheless, it has to keep to its envelope.""",
    remedy="""\
Take one step by hand. What is off by 1 - beta1 or sqrt(1 - beta2) misses a bias correction; what is right at eps = 0
alone has eps at another place.""",
    example="""\
class AdamEpsHat(torch.optim.Optimizer):
    ...
    step = lr * sqrt(1 - beta2**t) / (1 - beta1**t) * m / (v.sqrt() + eps)     # eps counts 1/sqrt(1 - beta2) times""",
    scripts=_scripts,
    theorem="adam_first_step",
)

CONSTANT_GRADIENT = Law(
    code="SC502",
    title="a constant gradient leads to the same step every time",
    sentence="Where bias is corrected a constant gradient, from states at their start, leads to the same step at "
    "every t.",
    source="Kingma & Ba 2015, section 3: m_hat = g and v_hat = g**2 for a constant gradient",
    since="0.2",
    applies=_is_corrected,
    check=_later,
    condition="the rule keeps state, and its equations in fractions give the same step four times, at weights and "
    "an eps at which it is a number that every format holds",
    unit="reals",
    mathematics="""\
m_t = (1 - beta1**t)*g and v_t = (1 - beta2**t)*g**2, so that dividing by 1 - beta1**t and 1 - beta2**t gives g and
g**2 exactly, at every t and not in the limit alone: the corrections are the sums of the weights. One weight is 1/2
and the other 0; eps is far above the gradient, so that the last bit of a corrected root is lost in the sum. Where a
subject still has another number, it has to keep to its envelope.""",
    remedy="""\
Print step over first step for a constant gradient. Growing toward 1: a correction is missing, or is one for another
t. Falling to 1: the correction is that of the step before.""",
    example="""\
class AdamWithoutFirstMomentCorrection(torch.optim.Optimizer):
    ...
    p.addcdiv_(m, (v / (1 - beta2**t)).sqrt() + eps, value=-lr)                # m is (1 - beta1**t)*g still""",
    scripts=_scripts,
    theorem="constant_gradient_is_its_corrected_moments",
)
