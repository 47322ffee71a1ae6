"""pytorch_optimizer's RAdam ignores its weight decay where that is coupled."""

from __future__ import annotations

from dataclasses import replace

from stepcheck.known_issues.known_issue import KnownIssue
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor


def without_decay(script: Script) -> Script:
    """Return the script with every weight decay 0."""

    def bare(step: Step) -> Step:
        return replace(step, hyper=tuple((g, name, 0.0 if name == "weight_decay" else v) for g, name, v in step.hyper))

    groups = tuple(
        replace(group, hyper={**group.hyper, "weight_decay": 0.0}) if "weight_decay" in group.hyper else group
        for group in script.groups
    )
    return replace(script, groups=groups, steps=tuple(bare(step) for step in script.steps))


IGNORED_DECAY = KnownIssue(
    name="pytorch-optimizer-radam-decay",
    explanation=(
        "RAdam(weight_decouple=False) of pytorch_optimizer does not decay at all: its step passes no gradient to "
        "apply_weight_decay, so there is nothing to add weight_decay times the parameter to. No error is raised. "
        "Decoupled decay, the default, works."
    ),
    link="",
    torch=("", ""),
    targets=("pytorch_optimizer.RAdam",),
    configurations=("*,coupled",),
    code="SC102",
    outputs=("m",),
    witness=Script(
        (Tensor((1,), "float32", Literal((1.0,))),),
        (Group((0,), {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0, "weight_decay": 1.0}),),
        (Step((Literal((0.0,)),)),),
    ),
    avoid_trigger=without_decay,
    library="pytorch-optimizer",
    releases=("2.9", ""),
)
