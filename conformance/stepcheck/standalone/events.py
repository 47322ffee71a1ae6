"""What happens around the steps of a standalone program: reloads, schedulers, closures, skipped steps."""

from __future__ import annotations

from collections.abc import Sequence

from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import LOSS, SPOILED, Script

_MODULES = {"copied": "copy", "pickled": "pickle"}
"""What a reload imports."""


def imports(scripts: Sequence[Script]) -> list[str]:
    """Return the imports of the scripts' reloads."""
    kinds = {step.reload for script in scripts for step in script.steps}
    return [f"import {module}" for kind, module in _MODULES.items() if kind in kinds]


def definitions(scripts: Sequence[Script]) -> set[str]:
    """Return the names of ``driver.portable`` that the scripts' events use."""
    names = {"scheduler": "ScriptedLR", "sparse": "uncoalesced"}
    return {
        *(name for kind, name in names.items() if any(kind in script.invocation for script in scripts)),
        *(["through_file"] if any(step.reload == "saved" for script in scripts for step in script.steps) else []),
        *(["skip_step"] if any(step.skip for script in scripts for step in script.steps) else []),
    }


def is_plain(script: Script) -> bool:
    """Whether every step sets its gradients, calls ``step()``, and nothing else."""
    events = any(step.hyper or step.overwrite or step.reload or step.skip for step in script.steps)
    return not (events or script.invocation or script.objective is not None or script.box is not None)


def scheduler(script: Script, *, groups: bool) -> list[str]:
    """Return the construction of a scheduler, which follows each construction of the optimizer."""
    return ["scheduler = ScriptedLR(optimizer)"] if "scheduler" in script.invocation and groups else []


def reload(how: str, parameters: Sequence[str], *, groups: bool, mode: str = "{}") -> list[str]:
    """Return how a run is interrupted and resumed; ``mode`` are the options of another mode to resume in."""
    if how in _MODULES:
        everything = ", ".join((*parameters, "optimizer"))
        copy = f"copy.deepcopy(({everything}))" if how == "copied" else f"pickle.loads(pickle.dumps(({everything})))"
        return [f"{everything} = {copy}"]
    file = ["saved = through_file(saved)"] if how == "saved" else []
    if not groups:
        return [
            'if all(hasattr(part, "state_dict") for part in optimizer):',
            "    saved = [part.state_dict() for part in optimizer]",
            *(f"    {line}" for line in file),
            "    optimizer = build()",
            "    for part, state in zip(optimizer, saved):",
            "        part.load_state_dict(state)",
        ]
    change = ['for group in saved["param_groups"]:  # resume in another mode', f"    group.update({mode})"]
    return [
        "saved = optimizer.state_dict()",
        *file,
        *(change if mode != "{}" else []),
        "optimizer = build()",
        "optimizer.load_state_dict(saved)",
    ]


def rates(changes: Sequence[tuple[int, str]]) -> list[str]:
    """Return how a scheduler sets the learning rates in ``changes``, a group's number and its rate in Python."""
    return [f"scheduler.set_rates({{{', '.join(f'{group}: {rate}' for group, rate in changes)}}})"] if changes else []


def gradient(script: Script, number: int, values: str, *, dims: int) -> list[str]:
    """Return how parameter ``number`` gets its gradient, which is ``values`` in Python."""
    if "reused_gradient" in script.invocation and values != "None":
        lines = [f"new = {values}", f"g{number} = new if g{number} is None else g{number}.copy_(new)"]
    else:
        lines = [f"g{number} = {values}"]
    if "closure" in script.invocation or script.objective is not None:
        return lines
    if "sparse" in script.invocation and dims:
        return [*lines, f"p{number}.grad = g{number} if g{number} is None else uncoalesced(g{number})"]
    return [*lines, f"p{number}.grad = g{number}"]


def closure(script: Script, position: int) -> list[str]:
    """Return the definition of a step's closure."""
    numbers = range(len(script.tensors))
    return [
        "",
        "",
        "def closure():",
        "    calls.append(1)",
        "    if not torch.is_grad_enabled():",
        '        raise RuntimeError("gradients are disabled, so that backward() cannot be called")',
        *(f"    p{number}.grad = g{number}" for number in numbers),
        f"    return torch.tensor({LOSS * position!r})",
        "",
        "",
        "calls = []",
    ]


def clamp(script: Script) -> list[str]:
    """Return how the parameters are clamped to the script's box."""
    if script.box is None:
        return []
    low, high = script.box
    parameters = (
        f"torch.view_as_real(p{number}.detach())" if is_complex(item.dtype) else f"p{number}.detach()"
        for number, item in enumerate(script.tensors)
    )
    return [f"{text}.clamp_({low!r}, {high!r})" for text in parameters]


def overwrite_gradients(script: Script) -> list[str]:
    """Return how the gradients' memory is overwritten after a step."""
    if "spoiled_gradient" not in script.invocation:
        return []
    lines = []
    for number in range(len(script.tensors)):
        lines += [f"if g{number} is not None:", f"    g{number}.fill_({SPOILED!r})"]
    return lines
