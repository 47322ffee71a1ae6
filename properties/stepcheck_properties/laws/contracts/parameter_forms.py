"""Forms of parameters: a constructor takes any iterable of parameters or groups, and reads it once."""

from __future__ import annotations

from collections.abc import Iterator

from stepcheck_properties.compare.equivalence import equivalence
from stepcheck_properties.law import CheckOutcome, Evidence, Facts, Law
from stepcheck_properties.laws.conditions import HAS_GROUPS, has_groups
from stepcheck_properties.profile import Profile
from stepcheck_properties.scripts.baseline_scripts import ordinary
from stepcheck_properties.scripts.invocation_variants import plain_invocation, with_invocation
from stepcheck_reference.scripts.script import Script

FORMS = ("parameter_generator", "parameter_tuple", "parameter_list")
NAMED = "named_parameters"


def _scripts(facts: Facts, profile: Profile, seed: int) -> Iterator[Script]:
    alone = ordinary(facts, seed, shapes=((3,), (2, 2)), split=None, steps=2)
    for form in (*FORMS, NAMED):
        yield with_invocation(alone, form)
    yield with_invocation(ordinary(facts, seed, shapes=((3,), (2, 2)), split=1, steps=2), FORMS[0])


def _rejects_names(evidence: Evidence) -> bool:
    """Whether the run ends no later than in its first step; a pair in place of a parameter is rejected by any error."""
    assert evidence.reference is not None
    fault = evidence.trajectory.fault
    return fault is not None and fault.step <= 1 and evidence.reference.trajectory.fault is None


def _check_forms(evidence: Evidence) -> CheckOutcome:
    if NAMED in evidence.script.invocation and _rejects_names(evidence):
        return CheckOutcome(1)
    return equivalence(evidence, "the run whose constructor got a list of groups", exact=True)


PARAMETER_FORM = Law(
    code="SC247",
    title="parameters may be given by any iterable",
    sentence="An optimizer that is constructed with a list, a tuple or a generator of parameters, or with a generator "
    "of groups, updates them as one that is constructed with a list of groups; names beside the parameters are either "
    "rejected or change nothing.",
    source="torch.optim.Optimizer: params is an iterable of torch.Tensors or dicts, or of pairs with a name; "
    "torch.nn.Module.parameters returns a generator",
    since="0.2",
    applies=has_groups,
    check=_check_forms,
    condition=HAS_GROUPS,
    unit="reals",
    mathematics="""\
A run depends on the parameters and their order. A generator can be read once: what has been read is gone.""",
    remedy="""\
Begin the constructor with `params = list(params)` if it looks at parameters before it passes them on.""",
    example="""\
class SgdLooksAtParametersFirst(torch.optim.Optimizer):
    def __init__(self, params, lr):
        if any(p.is_sparse for p in params):             # then nothing is left of model.parameters()
            raise ValueError("dense parameters only")
        super().__init__(params, {"lr": lr})""",
    scripts=_scripts,
    reference=plain_invocation(*FORMS, NAMED),
    about_api=True,
)
