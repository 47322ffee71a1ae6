"""What happens around the steps of a standalone program: reloads, schedulers, closures, skipped steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from stepcheck.standalone.construction import build_call, copied_parameters
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import COPIES, LOSS, SPOILED, Script, Step

_MODULES = {
    "copied": "copy",
    "pickled": "pickle",
    "copied_aside": "copy",
    "pickled_aside": "pickle",
    "loaded_aside": "copy",
    "loaded_twice": "copy",
}
"""What a reload imports."""


def imports(scripts: Sequence[Script]) -> list[str]:
    """Return the imports of the scripts' reloads."""
    kinds = {step.reload for script in scripts for step in script.steps}
    return list(dict.fromkeys(f"import {module}" for kind, module in _MODULES.items() if kind in kinds))


def definitions(scripts: Sequence[Script]) -> set[str]:
    """Return the names of ``driver.portable`` that the scripts' events use."""
    names = {"scheduler": "ScriptedLR", "other_thread": "in_thread"}
    sparse = [script for script in scripts if "sparse" in script.invocation]
    return {
        *(_sparse(script, number) for script in sparse for number in range(len(script.tensors))),
        *(name for kind, name in names.items() if any(kind in script.invocation for script in scripts)),
        *(["through_file"] if any(step.reload == "saved" for script in scripts for step in script.steps) else []),
        *(["skip_step"] if any(step.skip for script in scripts for step in script.steps) else []),
        *(["scaled_step"] if any(step.grad_scale for script in scripts for step in script.steps) else []),
    }


def is_plain(script: Script) -> bool:
    """Whether every step sets its gradients, calls ``step()``, and nothing else."""
    events = any(replace(step, gradients=()) != Step(()) for step in script.steps)
    shared = any(item.gradient_layout == "flat" for item in script.tensors)
    return not (events or shared or script.invocation or script.objective is not None or script.box is not None)


def scheduler(script: Script, *, groups: bool) -> list[str]:
    """Return the construction of a scheduler, which follows each construction of the optimizer."""
    return ["scheduler = ScriptedLR(optimizer)"] if "scheduler" in script.invocation and groups else []


def reload(
    how: str, script: Script, cell: Cell, *, groups: bool, mode: str = "{}", added: Sequence[str] = ()
) -> list[str]:
    """Return how a run is interrupted and resumed.

    ``mode`` are the options of another mode to resume in, ``added`` adds the groups that a new optimizer lacks.
    """
    parameters = [f"p{number}" for number in range(len(script.tensors))]
    kind = how.removesuffix("_aside")
    if kind in COPIES:
        everything = ", ".join((*parameters, "optimizer"))
        copy = f"copy.deepcopy(({everything}))" if kind == "copied" else f"pickle.loads(pickle.dumps(({everything})))"
        if kind == how:
            return [f"{everything} = {copy}"]
        others = ", ".join((*(f"q{number}" for number in range(len(parameters))), "other"))
        return [f"{others} = {copy}", *other_step(script, groups=groups)]
    build = build_call(script)
    if how == "loaded_aside":
        load = _loaded(f"{build_call(script, 'q')}", "copy.deepcopy(saved)", "other", groups=groups, added=added)
        lines = [*copied_parameters(script, cell), *load, *other_step(script, groups=groups)]
    else:
        load = _loaded(build, "saved", "optimizer", groups=groups, added=added)
        lines = [*(["saved = through_file(saved)"] if how == "saved" else [])]
        if mode != "{}":
            lines += ['for group in saved["param_groups"]:  # resume in another mode', f"    group.update({mode})"]
        if how == "loaded_twice":
            changed = "load_state_dict modified the state dict that it was given"
            lines += ["kept = str(saved)", *load, "if str(saved) != kept:", f'    raise SystemExit("{changed}")']
        lines += load
    if how in ("loaded_aside", "loaded_twice"):
        saved = (
            "copy.deepcopy(optimizer.state_dict())" if groups else "[copy.deepcopy(x.state_dict()) for x in optimizer]"
        )
    else:
        saved = "optimizer.state_dict()" if groups else "[part.state_dict() for part in optimizer]"
    if groups:
        return [f"saved = {saved}", *lines]
    guard = 'if all(hasattr(part, "state_dict") for part in optimizer):'
    return [guard, *(f"    {line}" for line in (f"saved = {saved}", *lines))]


def _loaded(build: str, saved: str, name: str, *, groups: bool, added: Sequence[str]) -> list[str]:
    """Return how a new optimizer is built as ``name`` and loads ``saved``."""
    if not groups:
        pairs = f"for part, state in zip({name}, {saved}):"
        return [f"{name} = {build}", pairs, "    part.load_state_dict(state)"]
    more = [line.replace("optimizer.add_param_group", f"{name}.add_param_group") for line in added]
    if name != "optimizer":
        more = [re.sub(r"\bp(\d+)\b", r"q\1", line) for line in more]
    return [f"{name} = {build}", *more, f"{name}.load_state_dict({saved})"]


def other_step(script: Script, *, groups: bool) -> list[str]:
    """Return a step of ``other``, which has the parameters q0, q1, ..."""
    names = ", ".join(f"q{number}" for number in range(len(script.tensors)))
    by_closure = "closure" in script.invocation or (script.objective is not None and script.objective.by_closure)
    closure = "lambda: torch.zeros(())" if by_closure else ""
    call = [f"other.step({closure})"] if groups else ["for part in other:", f"    part.step({closure})"]
    return [f"for q in [{names}]:", "    q.grad = torch.full_like(q, 0.5, requires_grad=False)", *call]


def zero_grad(how: str, script: Script, *, groups: bool) -> list[str]:
    """Return how gradients are reset, and that they are."""
    if not how:
        return []
    names = ", ".join(f"p{number}" for number in range(len(script.tensors)))
    options = {"none": "set_to_none=True", "zeros": "set_to_none=False"}.get(how, "") if groups else ""
    call = [f"optimizer.zero_grad({options})"] if groups else ["for part in optimizer:", "    part.zero_grad()"]
    left = {
        "": "p.grad is not None and (p.grad is not g or p.grad.any())",
        "set_to_none=True": "p.grad is not None",
        "set_to_none=False": "g is not None and (p.grad is not g or p.grad.any())",
    }[options]
    return [
        f"before = [p.grad for p in [{names}]]",
        *call,
        f"for p, g in zip([{names}], before):",
        f"    if {left}:",
        f'        raise SystemExit(f"zero_grad({options}) left {{p.grad}}")',
    ]


def rates(changes: Sequence[tuple[int, str]]) -> list[str]:
    """Return how a scheduler sets the learning rates in ``changes``, a group's number and its rate in Python."""
    return [f"scheduler.set_rates({{{', '.join(f'{group}: {rate}' for group, rate in changes)}}})"] if changes else []


def gradient(script: Script, number: int, values: str, *, dims: int, closure: bool) -> list[str]:
    """Return how parameter ``number`` gets its gradient, which is ``values`` in Python, unless a closure sets it."""
    if "reused_gradient" in script.invocation and values != "None":
        lines = [f"new = {values}", f"g{number} = new if g{number} is None else g{number}.copy_(new)"]
    else:
        lines = [f"g{number} = {values}"]
    if closure or script.objective is not None:
        return lines
    if "sparse" in script.invocation and dims:
        return [*lines, f"p{number}.grad = g{number} if g{number} is None else {_sparse(script, number)}(g{number})"]
    return [*lines, f"p{number}.grad = g{number}"]


def _sparse(script: Script, number: int) -> str:
    """Return the definition that makes the gradient of tensor ``number`` sparse."""
    return "overlapping" if script.tensors[number].gradient_layout == "overlapping" else "uncoalesced"


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
