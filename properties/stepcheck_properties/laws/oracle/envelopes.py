"""Envelopes: parameters, states, step counts and initial states are the rule's."""

from __future__ import annotations

import numpy as np

from stepcheck_properties.law import COUNT, THETA, Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import EVERY_SUBJECT, always
from stepcheck_reference.oracle.judgement import Deviation

MATHEMATICS = """\
Each step starts from the observed parameters and states, which are exact. The rule's equations are
evaluated there to a centre and a radius: the radius bounds every rounding error that the subject's
declared arithmetic can make, in any order of evaluation. An element conforms if
|observed - centre| <= radius. There is no tolerance; the ratio |observed - centre| / radius is reported."""


def _breach(deviation: Deviation) -> Breach:
    message = (
        f"{deviation.output}={deviation.observed!r}, but should be {deviation.expected!r} ± {deviation.radius:.3g} "
        f"({deviation.ratio:.4g} radii)"
    )
    return Breach(deviation.output, deviation.tensor, deviation.step, deviation.ratio, message, deviation)


def _check_parameters(evidence: Evidence) -> CheckOutcome:
    judgement = evidence.judgement
    return CheckOutcome(
        judgement.compared, tuple(_breach(worst) for worst in judgement.breaks if worst.output == THETA)
    )


def _check_states(evidence: Evidence) -> CheckOutcome:
    judgement = evidence.judgement
    shown = any(trace.present[name].any() for trace in evidence.trajectory.traces for name in trace.present)
    breaches = tuple(_breach(worst) for worst in judgement.breaks if worst.output != THETA)
    return CheckOutcome(judgement.compared if shown else 0, breaches)


def _check_counts(evidence: Evidence) -> CheckOutcome:
    compared = sum(int(np.count_nonzero(trace.count[1:] >= 0)) for trace in evidence.trajectory.traces)
    first = sorted(evidence.judgement.counts, key=lambda wrong: (wrong.step, wrong.tensor))[:1]
    return CheckOutcome(
        compared,
        tuple(
            Breach(
                COUNT,
                wrong.tensor,
                wrong.step,
                float("inf"),
                f"count={wrong.observed:g}, but should be {wrong.expected:g} (this parameter's gradients so far)",
            )
            for wrong in first
        ),
    )


def _check_initial_states(evidence: Evidence) -> CheckOutcome:
    compared = sum(
        int(values.shape[1])
        for trace in evidence.trajectory.traces
        for name, values in trace.states.items()
        if trace.present[name].any()
    )
    first: dict[str, Deviation] = {}
    for wrong in evidence.judgement.initials:
        first.setdefault(wrong.output, wrong)
    return CheckOutcome(compared, tuple(_breach(wrong) for wrong in first.values()))


def _shows_state(facts: Facts) -> bool:
    return any(str(state) in facts.observed_states for state in (*facts.rule.init, *facts.rule.scalars))


def _shows_count(facts: Facts) -> bool:
    return facts.shows_step_count


PARAMETERS_IN_ENVELOPE = Law(
    code="SC101",
    title="parameters lie inside the envelope",
    sentence="After every step each element of each parameter has the value that the rule gives it, within rounding.",
    source="running error analysis, Higham 2002, section 3.3; ARCHITECTURE.md, Numbers",
    since="0.1",
    applies=always,
    check=_check_parameters,
    condition=EVERY_SUBJECT,
    unit="element-steps",
    mathematics=MATHEMATICS,
    remedy="""\
Compare the step's formula with the rule's, term by term, at the inputs of the witness. A ratio in the
thousands means another formula: eps inside the root, a missing bias correction, coupled instead of decoupled
decay. A ratio just above 1 means another arithmetic: a hyper-parameter that is rounded to the tensor's dtype
before use, or a buffer in a narrower format. If the subject follows another published rule, certify it --as
that rule.""",
    example="""\
class AdamEpsInside(torch.optim.Optimizer):
    ...
    denominator = (v / (1 - beta2**t) + eps).sqrt()      # adam adds eps after the root""",
)

STATES_IN_ENVELOPE = Law(
    code="SC102",
    title="states lie inside the envelope",
    sentence="After every step each element of each state has the value that the rule gives it, within rounding.",
    source="running error analysis, Higham 2002, section 3.3; ARCHITECTURE.md, Numbers",
    since="0.1",
    applies=_shows_state,
    check=_check_states,
    condition="the rule keeps state and the adapter maps it",
    unit="element-steps",
    mathematics=MATHEMATICS,
    remedy="""\
The report names the state. Check the weights of its average, whether decay or maximize is applied to the
gradient before it, and the dtype in which it is stored. A wrong state often causes wrong parameters in later
steps, so fix it first.""",
    example="""\
class SecondMomentOfDecayedGradient(torch.optim.Optimizer):
    ...
    v.mul_(beta2).addcmul_(g, g, value=1 - beta1)        # adam weights g**2 by 1 - beta2""",
)

STEP_COUNT = Law(
    code="SC103",
    title="the step count is the number of gradients",
    sentence="A parameter's step count is the number of steps at which it had a gradient.",
    source="Kingma & Ba 2015, Algorithm 1 (t <- t + 1); torch.optim skips parameters without a gradient",
    since="0.1",
    applies=_shows_count,
    check=_check_counts,
    condition="the adapter maps a step counter",
    unit="counts",
    mathematics="""\
t enters the rule only through powers such as beta**t, and is the number of gradients that have gone into the
state. It is an integer and is compared exactly.""",
    remedy="""\
Count the steps of each parameter, not the calls of step(); save the count with the state; store it in a dtype
that counts far enough: bfloat16 stops at 256, float16 at 2048.""",
    example="""\
class CounterInParameterDtype(torch.optim.Optimizer):
    ...
    state["step"] = torch.zeros((), dtype=p.dtype)       # stops at 256 in bfloat16""",
)

INITIAL_STATE = Law(
    code="SC104",
    title="initial states are the rule's",
    sentence="Before a parameter's first step each of its states has the rule's initial value.",
    source="the rule's own source; ARCHITECTURE.md",
    since="0.1",
    applies=_shows_state,
    check=_check_initial_states,
    condition="the rule keeps state and the adapter maps it",
    unit="elements",
    mathematics="""\
The checks are inductive: if the initial state is right and every step is right, every state is right. The
initial value is an expression in hyper-parameters, compared within the rounding of that expression.""",
    remedy="""\
Compare the buffer's initialization with the rule's initial value. A buffer that starts as the first gradient
belongs to another rule, as do buffers that start at 0.1 (Keras' Adagrad) or 1 (TensorFlow's RMSprop).""",
    example="""\
class SecondMomentStartsAtOne(torch.optim.Optimizer):
    ...
    state["exp_avg_sq"] = torch.ones_like(p)             # adam starts at 0""",
)

ENVELOPES = (PARAMETERS_IN_ENVELOPE, STATES_IN_ENVELOPE, STEP_COUNT, INITIAL_STATE)
"""What the oracle says of any run, whichever law it was made for."""
