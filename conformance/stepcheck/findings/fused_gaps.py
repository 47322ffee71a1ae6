"""The fused CPU kernels walk a parameter's memory as if it had no gaps."""

from __future__ import annotations

from dataclasses import replace

from stepcheck.detours import without_gaps
from stepcheck.expected_broken import Finding
from stepcheck_reference.script import Group, Literal, Script, Step, Tensor

EXPLANATION = (
    "The fused CPU kernels walk the memory of a parameter that is a strided slice of a larger buffer as if it were "
    "contiguous: they leave elements of the parameter as they were and write into the memory between them, which "
    "belongs to others. No error is raised."
)

ADAM = Script(
    (Tensor((3,), "float32", Literal((1.0,)), "sliced"),),
    (Group((0,), {"lr": 0.5, "beta1": 0.5, "beta2": 0.5, "eps": 1.0, "weight_decay": 0.0}),),
    (Step((Literal((1.0,)),)),),
)
PLAIN = replace(ADAM, groups=(Group((0,), {"lr": 0.5, "weight_decay": 0.0}),))
MOMENTUM = replace(ADAM, groups=(Group((0,), {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.0}),))
DAMPENED = replace(ADAM, groups=(Group((0,), {"lr": 0.5, "momentum": 0.5, "dampening": 0.5, "weight_decay": 0.0}),))


def _finding(name: str, target: str, configurations: tuple[str, ...], witness: Script) -> Finding:
    return Finding(
        name=name,
        explanation=EXPLANATION,
        link="",
        torch=("2.4", ""),
        targets=(target,),
        configurations=configurations,
        modes=("fused",),
        devices=("cpu",),
        code="SC201",
        outputs=("malformed",),
        witness=witness,
        detour=without_gaps,
    )


FUSED_GAPS_ADAM = _finding("fused-gaps-adam", "torch.optim.Adam*", ("*",), ADAM)
FUSED_GAPS_SGD = _finding("fused-gaps-sgd", "torch.optim.SGD", ("plain*",), PLAIN)
FUSED_GAPS_MOMENTUM = _finding("fused-gaps-momentum", "torch.optim.SGD", ("momentum*", "nesterov*"), MOMENTUM)
FUSED_GAPS_DAMPENED = _finding("fused-gaps-dampening", "torch.optim.SGD", ("dampening*",), DAMPENED)
