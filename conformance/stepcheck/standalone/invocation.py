"""What a standalone program says for the manners of a script, for interruptions and for skipped steps."""

from __future__ import annotations

from collections.abc import Sequence

from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import LOSS, SPOILED, Script

_TOLD = """
class Told(torch.optim.lr_scheduler.LRScheduler):  # sets the learning rates it is told
    def __init__(self, optimizer):
        self.wanted = [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self):
        return list(self.wanted)

"""


_ROWS = """
def doubled(x):  # sparse, with entries for one row that are nonzero in different columns
    first = x.clone()
    flat = first.reshape(len(x), -1) if len(x) else first
    flat[..., 1::2] = 0
    parts = [part.to_sparse(1) for part in (first, x - first)]
    indices, values = torch.cat([part.indices() for part in parts], dim=1), torch.cat([part.values() for part in parts])
    return torch.sparse_coo_tensor(indices, values, x.shape, check_invariants=False)

"""


def imports(scripts: Sequence[Script]) -> list[str]:
    """Return the modules that interruptions need."""
    kinds = {step.reload for script in scripts for step in script.steps}
    needed = {"copied": "copy", "saved": "io", "pickled": "pickle"}
    return [f"import {module}" for kind, module in needed.items() if kind in kinds]


def definitions(scripts: Sequence[Script]) -> list[str]:
    """Return what has to be defined before a run."""
    wanted = {"scheduler": _TOLD, "sparse": _ROWS}
    invocation = [variant for variant in wanted if any(variant in script.invocation for script in scripts)]
    return [line for variant in invocation for line in wanted[variant].splitlines()]


def plain(script: Script) -> bool:
    """Whether every step gives its gradients, calls ``step()``, and nothing else."""
    events = any(step.hyper or step.overwrite or step.reload or step.skip for step in script.steps)
    return not (events or script.invocation or script.objective is not None or script.box is not None)


def started(script: Script, *, groups: bool) -> list[str]:
    """Return what stands behind the first construction, and behind every later one."""
    return ["scheduler = Told(optimizer)"] if "scheduler" in script.invocation and groups else []


def rate(script: Script, number: str) -> str | None:
    """Return the learning rate ``number`` as a tensor, in Python; None where it stays a number."""
    values = {
        "tensor_lr": f"torch.tensor({number}, dtype=torch.float64)",
        "one_element_lr": f"torch.tensor([{number}], dtype=torch.float64)",
        "viewed_lr": f"torch.tensor([{SPOILED!r}, {number}, {SPOILED!r}], dtype=torch.float64)[1]",
    }
    return next((text for variant, text in values.items() if variant in script.invocation), None)


def interrupted(how: str, names: Sequence[str], *, groups: bool, led: str = "{}") -> list[str]:
    """Return how a run is interrupted; ``names`` are the parameters, ``led`` are the options of another mode."""
    if how in ("copied", "pickled"):
        everything = ", ".join((*names, "optimizer"))
        carried = f"copy.deepcopy(({everything}))" if how == "copied" else f"pickle.loads(pickle.dumps(({everything})))"
        return [f"{everything} = {carried}"]
    if not groups:
        return [
            'if all(hasattr(part, "state_dict") for part in optimizer):',
            "    saved = [part.state_dict() for part in optimizer]",
            *(_through_a_file("    ", "saved") if how == "saved" else []),
            "    optimizer = build()",
            "    for part, state in zip(optimizer, saved):",
            "        part.load_state_dict(state)",
        ]
    through = _through_a_file("", "saved") if how == "saved" else []
    elsewhere = [] if led == "{}" else [
        'for group in saved["param_groups"]:  # it goes on in another mode',
        f"    group.update({led})",
    ]  # fmt: skip
    load = ["optimizer = build()", "optimizer.load_state_dict(saved)"]
    return ["saved = optimizer.state_dict()", *through, *elsewhere, *load]


def _through_a_file(indent: str, name: str) -> list[str]:
    lines = ["file = io.BytesIO()", f"torch.save({name}, file)", "file.seek(0)", f"{name} = torch.load(file)"]
    return [indent + line for line in lines]


def rates(changes: Sequence[tuple[int, str]]) -> list[str]:
    """Return how a scheduler sets the learning rates in ``changes``, a group's number and its rate in Python."""
    if not changes:
        return []
    lines = [f"scheduler.wanted[{group}] = {rate}" for group, rate in changes]
    return [*lines, "optimizer._opt_called = True  # or it warns before the first step", "scheduler.step()"]


def given(script: Script, number: int, gradient: str, *, dims: int) -> list[str]:
    """Return how parameter ``number`` gets its gradient, which is ``gradient`` in Python."""
    if "reused_gradient" in script.invocation and gradient != "None":
        into = f"g{number} = new if g{number} is None else g{number}.copy_(new)"
        return [f"new = {gradient}", into, *_handed(script, number, dims)]
    return [f"g{number} = {gradient}", *_handed(script, number, dims)]


def _handed(script: Script, number: int, dims: int) -> list[str]:
    if "closure" in script.invocation or script.objective is not None:
        return []
    sparse = f"g{number} if g{number} is None else doubled(g{number})" if dims else f"g{number}"
    return [f"p{number}.grad = {sparse if 'sparse' in script.invocation else f'g{number}'}"]


def closure(script: Script, position: int) -> list[str]:
    """Return the definition of a step's closure."""
    names = range(len(script.tensors))
    return [
        "",
        "",
        "def closure():",
        "    calls.append(1)",
        "    if not torch.is_grad_enabled():",
        '        raise RuntimeError("gradients are disabled, so that backward() cannot be called")',
        *(f"    p{number}.grad = g{number}" for number in names),
        f"    return torch.tensor({LOSS * position!r})",
        "",
        "",
        "calls = []",
    ]


def clamped(script: Script) -> list[str]:
    """Return how the parameters are put back into the script's box."""
    if script.box is None:
        return []
    low, high = script.box
    held = (
        f"torch.view_as_real(p{number}.detach())" if is_complex(item.dtype) else f"p{number}.detach()"
        for number, item in enumerate(script.tensors)
    )
    return [f"{text}.clamp_({low!r}, {high!r})" for text in held]


def skipped(call: Sequence[str]) -> list[str]:
    """Return how a step is skipped because gradients have overflowed."""
    return [
        'if getattr(optimizer, "_step_supports_amp_scaling", False):  # as torch.amp.GradScaler does',
        "    optimizer.grad_scale, optimizer.found_inf = None, torch.ones(())",
        "    torch.use_deterministic_algorithms(True, warn_only=True)  # fills memory that is not written with nan",
        *(f"    {line}" for line in call),
        "    torch.use_deterministic_algorithms(False)",
        "    del optimizer.grad_scale, optimizer.found_inf",
    ]


def spoiled(script: Script) -> list[str]:
    """Return how the gradients' memory is overwritten once a step is over."""
    if "spoiled_gradient" not in script.invocation:
        return []
    lines = []
    for number in range(len(script.tensors)):
        lines += [f"if g{number} is not None:", f"    g{number}.fill_({SPOILED!r})"]
    return lines
