"""Agreement with the oracle: parameters, states, step counts and initial states are the rule's."""

from __future__ import annotations

import numpy as np

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law
from stepcheck_reference.oracle.judgement import Deviation

THETA = "theta"

ENVELOPE = """\
Each step starts from the observed parameters and states, which are exact. The rule's equations are
evaluated there to a centre and a radius: the radius bounds every rounding error that the subject's
declared arithmetic can make, in any order of evaluation. An element conforms if
|observed - centre| <= radius. There is no tolerance; the ratio |observed - centre| / radius is reported."""


def _message(deviation: Deviation) -> str:
    return (
        f"{deviation.output}={deviation.observed!r}, but should be {deviation.expected!r} ± {deviation.radius:.3g} "
        f"({deviation.ratio:.4g} radii)"
    )


def _breach(deviation: Deviation) -> Breach:
    return Breach(deviation.output, deviation.tensor, deviation.step, deviation.ratio, _message(deviation), deviation)


def _parameters(evidence: Evidence) -> CheckOutcome:
    judgement = evidence.judgement
    return CheckOutcome(
        judgement.compared, tuple(_breach(worst) for worst in judgement.breaks if worst.output == THETA)
    )


def _states(evidence: Evidence) -> CheckOutcome:
    judgement = evidence.judgement
    seen = any(trace.present[name].any() for trace in evidence.trajectory.traces for name in trace.present)
    breaches = tuple(_breach(worst) for worst in judgement.breaks if worst.output != THETA)
    return CheckOutcome(judgement.compared if seen else 0, breaches)


def _counts(evidence: Evidence) -> CheckOutcome:
    compared = sum(int(np.count_nonzero(trace.count[1:] >= 0)) for trace in evidence.trajectory.traces)
    breaches = sorted(evidence.judgement.counts, key=lambda wrong: (wrong.step, wrong.tensor))[:1]
    return CheckOutcome(
        compared,
        tuple(
            Breach(
                "count",
                wrong.tensor,
                wrong.step,
                float("inf"),
                f"count={wrong.observed:g}, but should be {wrong.expected:g} (this parameter's gradients so far)",
            )
            for wrong in breaches
        ),
    )


def _initials(evidence: Evidence) -> CheckOutcome:
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


def _always(facts: Facts) -> bool:
    return True


def _shows_state(facts: Facts) -> bool:
    return any(str(state) in facts.observed_states for state in (*facts.rule.init, *facts.rule.scalars))


def _shows_count(facts: Facts) -> bool:
    return facts.shows_step_count


PARAMETERS_IN_ENVELOPE = Law(
    code="SC101",
    title="parameters land inside the envelope",
    sentence="After every step each parameter element is where the rule puts it, to within rounding.",
    source="running error analysis, Higham 2002, section 3.3; ARCHITECTURE.md, Numbers",
    since="0.1",
    applies=_always,
    check=_parameters,
    condition="every subject",
    unit="element-steps",
    mathematics=ENVELOPE,
    remedy="""\
Compare the step's formula with the rule's, term by term, at the inputs the witness shows. A ratio in the
thousands is another formula: eps inside the root, a missing bias correction, coupled for decoupled decay.
A ratio just beyond 1 is another arithmetic: a hyper-parameter rounded to the tensor's dtype before use, a
buffer in a narrower format. If the subject follows another published rule, certify it --as that rule.""",
    example="""\
class AdamEpsInside(torch.optim.Optimizer):
    ...
    denominator = (v / (1 - beta2**t) + eps).sqrt()      # adam adds eps after the root""",
)

STATES_IN_ENVELOPE = Law(
    code="SC102",
    title="states land inside the envelope",
    sentence="After every step each element of each state is where the rule puts it, to within rounding.",
    source="running error analysis, Higham 2002, section 3.3; ARCHITECTURE.md, Numbers",
    since="0.1",
    applies=_shows_state,
    check=_states,
    condition="the rule keeps state and the adapter maps it",
    unit="element-steps",
    mathematics=ENVELOPE,
    remedy="""\
The report names the state. Check the weights of its average, whether decay or maximize was applied to the
gradient before it, and the format it is kept in. A wrong state is often the cause of wrong parameters
later, so mend this one first.""",
    example="""\
class SecondMomentOfDecayedGradient(torch.optim.Optimizer):
    ...
    v.mul_(beta2).addcmul_(g, g, value=1 - beta1)        # adam weighs g**2 with 1 - beta2""",
)

STEP_COUNT = Law(
    code="SC103",
    title="the step counter equals the number of that parameter's gradients",
    sentence="A parameter's step counter is the number of steps at which it had a gradient.",
    source="Kingma & Ba 2015, Algorithm 1 (t <- t + 1); torch.optim skips parameters without a gradient",
    since="0.1",
    applies=_shows_count,
    check=_counts,
    condition="the adapter maps a step counter",
    unit="counts",
    mathematics="""\
t enters the rule through beta**t alone, and it is the number of gradients that went into the state. It is
an integer and is compared exactly.""",
    remedy="""\
Count each parameter apart, not the calls of step(); save the counter with the state; keep it in a format
that counts far enough: bfloat16 stands still at 256, float16 at 2048.""",
    example="""\
class CounterInParameterDtype(torch.optim.Optimizer):
    ...
    state["step"] = torch.zeros((), dtype=p.dtype)       # stops at 256 in bfloat16""",
)

INITIAL_STATE = Law(
    code="SC104",
    title="the initial state is the rule's",
    sentence="Before a parameter's first step each of its states holds the rule's initial value.",
    source="the rule's own source; ARCHITECTURE.md",
    since="0.1",
    applies=_shows_state,
    check=_initials,
    condition="the rule keeps state and the adapter maps it",
    unit="elements",
    mathematics="""\
The check is inductive: if the first state is right and every step is right, every state is right. The
initial value is an expression in hyper-parameters, compared to within its own rounding.""",
    remedy="""\
Compare the buffer's constructor with the rule's initial value. A buffer made from the first gradient is
another rule, as are those that start at 0.1 (Keras' Adagrad) or 1 (TensorFlow's RMSprop).""",
    example="""\
class SecondMomentStartsAtOne(torch.optim.Optimizer):
    ...
    state["exp_avg_sq"] = torch.ones_like(p)             # adam starts from 0""",
)
