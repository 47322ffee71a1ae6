"""``maximize``: to maximize is to minimize with negated gradients."""

from __future__ import annotations

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law, ReferenceRun
from stepcheck_properties.scripts.baseline_scripts import ordinary_script
from stepcheck_properties.scripts.transformed_scripts import rescaled
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rules import find
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Script

OPTION = "maximize"


def _accepts_maximize(facts: Facts) -> bool:
    rewrites = facts.rule.rewrites
    return rewrites[-1:] == (MAXIMIZE.name,) and OPTION in facts.arguments and not needs_objective(facts.rule)


def _minimizing(script: Script, facts: Facts) -> ReferenceRun:
    rule = find(facts.rule.name.removesuffix(f"+{MAXIMIZE.name}"))
    return ReferenceRun(rescaled(script, gradients=-1.0), options={OPTION: False}, rule=rule)


def _check_minimizing(evidence: Evidence) -> CheckOutcome:
    return equivalence(evidence, "the run that minimizes with negated gradients", exact=False)


MAXIMIZE_NEGATES_GRADIENTS = Law(
    code="SC210",
    title="maximize=True negates the gradients",
    sentence="With maximize=True, parameters and states are updated as with maximize=False and every gradient negated, "
    "within rounding.",
    source="torch.optim, maximize: maximize the objective with respect to the params, instead of minimizing",
    since="0.2",
    applies=_accepts_maximize,
    check=_check_minimizing,
    condition="the rule is maximized, and the constructor takes maximize",
    unit="reals",
    mathematics="""\
The maximum of L is the minimum of -L, whose gradient is -g; negation rounds nothing. Weight decay is not part of L: it
pulls parameters toward 0 in both cases, so the gradient is negated before decay is added.""",
    remedy="""\
Negate the gradient before anything else is done with it. If only the step changes its sign, the averages are those of g
instead of -g, and a coupled decay makes parameters grow.""",
    example="""\
class NegatesAfterDecay(torch.optim.Optimizer):
    ...
    g = p.grad + weight_decay * p
    g = -g if maximize else g                            # negates the decay too""",
    scripts=ordinary_script,
    reference=_minimizing,
)
