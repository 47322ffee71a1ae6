"""Process state: the user's random numbers and torch's settings are none of an optimizer's business."""

from __future__ import annotations

from stepcheck_properties.law import Breach, CheckOutcome, Evidence, Facts, Law

DISTURBED = "disturbed"
"""The output of a run that changes what the process shares."""

READINGS = {
    "torch's random numbers": ("torch.get_rng_state().tolist()", ""),
    "numpy's random numbers": ("str(numpy.random.get_state())", "import numpy"),
    "Python's random numbers": ("random.getstate()", "import random"),
    "torch's gradient mode": ("torch.is_grad_enabled()", ""),
    "torch's default dtype": ("torch.get_default_dtype()", ""),
    "torch's deterministic algorithms": ("torch.are_deterministic_algorithms_enabled()", ""),
}
"""How each is read in a standalone program, and what that imports."""


def _is_not_compiled(facts: Facts) -> bool:
    return facts.mode != "compiled"


def _check_process_state(evidence: Evidence) -> CheckOutcome:
    run = evidence.trajectory
    breaches = []
    for name in run.disturbed[:1]:
        reading, module = READINGS.get(name, ("0", ""))
        message = f"{name}=changed, but should be what they were before construction"
        before = "\n".join(line for line in (module, f"before = {reading}") if line)
        breach = Breach(DISTURBED, 0, run.steps, float("inf"), message, expression=f"{reading} == before",
                        expected_expression="True", before=before)  # fmt: skip
        breaches.append(breach)
    return CheckOutcome(run.steps, tuple(breaches))


PROCESS_STATE = Law(
    code="SC219",
    title="random numbers and torch's settings are left alone",
    sentence="After construction and steps, the random numbers of torch, numpy and Python continue as they would have "
    "without the optimizer, and torch's gradient mode, default dtype and choice of deterministic algorithms are "
    "unchanged.",
    source="https://docs.pytorch.org/docs/stable/notes/randomness.html: a seed reproduces a run; no published rule of "
    "these draws random numbers",
    since="0.2",
    applies=_is_not_compiled,
    check=_check_process_state,
    condition="the mode is not compiled",
    unit="steps",
    mathematics="""\
Dropout masks and the order of samples come from the same generators. An optimizer that draws from one, or seeds it,
changes the experiment around it: with a seed set in every step, every batch gets the same mask.""",
    remedy="""\
Use a torch.Generator of your own for whatever is random. Set the gradient mode by `with torch.no_grad():`, which
restores it, and give tensors their dtype where they are made.""",
    example="""\
class SgdSeedsItself(torch.optim.Optimizer):
    def step(self, closure=None):
        torch.manual_seed(0)                             # of the whole process
        ...""",
)
