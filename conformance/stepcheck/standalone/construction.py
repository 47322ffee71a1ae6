"""Construction of the optimizer in a standalone program."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.standalone.python_source import Source, keywords, source_of, wrapped
from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.matching.update_function import CLASS, function_name
from stepcheck_reference.scripts.script import SPOILED, STATE_DICT_RELOADS, Script


def arguments(adapter: Adapter, hyper: Mapping[str, float]) -> dict[str, object]:
    """Return constructor arguments for hyper-parameters by alphabet name; "betas[0]" is an entry of a tuple."""
    plain: dict[str, object] = {}
    tuples: dict[str, dict[int, float]] = {}
    for name, value in hyper.items():
        argument = adapter.hyper.get(name)
        if argument is None:
            continue
        stem, bracket, index = argument.partition("[")
        if bracket:
            tuples.setdefault(stem, {})[int(index.rstrip("]"))] = value
            plain.setdefault(stem, None)
        else:
            plain[stem] = value
    for stem, entries in tuples.items():
        plain[stem] = tuple(entries[index] for index in sorted(entries))
    return plain


def hyper_of(adapter: Adapter, cell: Cell, hyper: Mapping[str, float]) -> dict[str, float]:
    """Return ``hyper`` with the hyper-parameters that are fixed in the cell."""
    fixed = {
        name: float(value) for name, value in cell.fixed if name in adapter.hyper and isinstance(value, (int, float))
    }
    return {**adapter.configuration(cell.configuration).fixed_hyper, **fixed, **hyper}


def constructor_call(adapter: Adapter, cell: Cell, script: Script) -> str:
    """Return the constructor call of the script's first group, for people to paste."""
    name = function_name(cell.target)
    hyper = hyper_of(adapter, cell, script.groups[0].hyper if script.groups else {})
    return f"{name}({keywords({**arguments(adapter, hyper), **_options(adapter, cell)})})"


def construction(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return lines that construct ``optimizer``, in a function ``build`` where the script constructs it again."""
    if any(step.reload in STATE_DICT_RELOADS for step in script.steps):
        lines = [*build(adapter, cell, script), "", "", "optimizer = build()"]
    else:
        lines = ["", *_constructed("optimizer = ", adapter, cell, script)]
    if adapter.compiler == "own" and cell.mode != "compiled":
        lines.append('torch.compiler.set_stance("force_eager")  # what it compiles itself runs eagerly')
    if wraps_compile(adapter, cell.mode):
        lines.append("step = torch.compile(optimizer.step)")
    return lines


def build(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the definition of ``build()``."""
    return ["", "", "def build():", *_constructed("    return ", adapter, cell, script)]


def _constructed(start: str, adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the statement that begins with ``start``: the optimizer, or a list of one a group or tensor."""
    name = CLASS if adapter.source else function_name(cell.target)
    indent = start[: len(start) - len(start.lstrip())]
    options = _options(adapter, cell)
    groups = [(_arguments(adapter, cell, script, group.hyper), _names(group.tensors)) for group in script.groups]
    if adapter.takes == "groups" and len(groups) == 1:
        ((values, names),) = groups
        return wrapped(f"{start}{name}([{', '.join(names)}], {keywords({**values, **options})})")
    if adapter.takes == "groups":
        lines = [f"{start}{name}(["]
        for values, names in groups:
            entries = "".join(f', "{key}": {source_of(value)}' for key, value in values.items())
            lines.append(f'{indent}    {{"params": [{", ".join(names)}]{entries}}},')
        defaults = keywords({**groups[0][0], **options})  # as the worker constructs it
        return [*lines, *wrapped(f"{indent}], {defaults})")]
    lines = [f"{start}["]
    for values, names in groups:
        for entry in names if adapter.takes == "tensor" else [f"[{', '.join(names)}]"]:
            lines.append(f"{indent}    {name}({entry}, {keywords({**values, **options})}),")
    return [*lines, f"{indent}]"]


def _names(tensors: tuple[int, ...]) -> list[str]:
    return [f"p{number}" for number in tensors]


def _options(adapter: Adapter, cell: Cell) -> dict[str, object]:
    """Return the constructor arguments of the cell that are no hyper-parameters."""
    configuration = adapter.configuration(cell.configuration)
    fixed = {name: value for name, value in cell.fixed if name not in {**adapter.hyper, **configuration.fixed_hyper}}
    mode = {} if adapter.wrapper else adapter.modes.get(cell.mode, {})  # a wrapper's modes are no arguments of a class
    return {**configuration.options, **mode, **fixed}


def _arguments(adapter: Adapter, cell: Cell, script: Script, hyper: Mapping[str, float]) -> dict[str, object]:
    """Return a group's constructor arguments."""
    values = arguments(adapter, hyper_of(adapter, cell, hyper))
    slot = adapter.hyper.get("lr", "")
    if slot in values and (tensor := tensor_lr(script, source_of(values[slot]))) is not None:
        values[slot] = Source(tensor)
    return values


def tensor_lr(script: Script, number: str) -> str | None:
    """Return the learning rate ``number`` as a tensor, in Python; None where it stays a number."""
    tensors = {
        "tensor_lr": f"torch.tensor({number}, dtype=torch.float64)",
        "one_element_lr": f"torch.tensor([{number}], dtype=torch.float64)",
        "viewed_lr": f"torch.tensor([{SPOILED!r}, {number}, {SPOILED!r}], dtype=torch.float64)[1]",
    }
    return next((text for kind, text in tensors.items() if kind in script.invocation), None)
