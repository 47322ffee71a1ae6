"""Construction of the optimizer in a standalone program."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.standalone import invocation
from stepcheck.standalone.source import Source, keywords, wrapped, written
from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.matching.update_function import CLASS, function_name
from stepcheck_reference.scripts.script import Script


def arguments(adapter: Adapter, hyper: Mapping[str, float]) -> dict[str, object]:
    """Return constructor arguments for hyper-parameters by alphabet name; "betas[0]" fills a tuple."""
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
    """Return ``hyper`` with what stands still in the cell beside it."""
    fixed = {
        name: float(value) for name, value in cell.fixed if name in adapter.hyper and isinstance(value, (int, float))
    }
    return {**adapter.configuration(cell.configuration).fixed_hyper, **fixed, **hyper}


def _options(adapter: Adapter, cell: Cell) -> dict[str, object]:
    configuration = adapter.configuration(cell.configuration)
    fixed = {name: value for name, value in cell.fixed if name not in {**adapter.hyper, **configuration.fixed_hyper}}
    path = {} if adapter.wrapper else adapter.modes.get(cell.mode, {})  # a wrapper's modes are no arguments of a class
    return {**configuration.options, **path, **fixed}


def _given(adapter: Adapter, cell: Cell, script: Script, hyper: Mapping[str, float]) -> dict[str, object]:
    """Return a group's constructor arguments."""
    given = arguments(adapter, hyper_of(adapter, cell, hyper))
    slot = adapter.hyper.get("lr", "")
    if slot in given and (tensor := invocation.rate(script, written(given[slot]))) is not None:
        given[slot] = Source(tensor)
    return given


def constructor_call(adapter: Adapter, cell: Cell, script: Script) -> str:
    """Return the constructor call of the script's first group, for people to paste."""
    name = function_name(cell.target)
    hyper = hyper_of(adapter, cell, script.groups[0].hyper if script.groups else {})
    return f"{name}({keywords({**arguments(adapter, hyper), **_options(adapter, cell)})})"


def build(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the definition of ``build()`` and its first call."""
    name = CLASS if adapter.source else function_name(cell.target)
    options = _options(adapter, cell)
    lines = ["", "", "def build():"]
    if adapter.takes == "groups":
        if len(script.groups) == 1:
            names = ", ".join(f"p{number}" for number in script.groups[0].tensors)
            given = {**_given(adapter, cell, script, script.groups[0].hyper), **options}
            lines += wrapped(f"    return {name}([{names}], {keywords(given)})")
        else:
            lines.append(f"    return {name}([")
            for group in script.groups:
                names = ", ".join(f"p{number}" for number in group.tensors)
                given = _given(adapter, cell, script, group.hyper)
                inside = "".join(f', "{key}": {written(value)}' for key, value in given.items())
                lines.append(f'        {{"params": [{names}]{inside}}},')
            first = _given(adapter, cell, script, script.groups[0].hyper)  # as the worker builds it
            lines += wrapped(f"    ], {keywords({**first, **options})})")
    else:
        lines.append("    return [")
        for group in script.groups:
            passed = keywords({**_given(adapter, cell, script, group.hyper), **options})
            each = [f"p{number}" for number in group.tensors]
            lines += [
                f"        {name}({entry}, {passed}),"
                for entry in (each if adapter.takes == "tensor" else [f"[{', '.join(each)}]"])
            ]
        lines.append("    ]")
    lines += ["", "", "optimizer = build()"]
    if adapter.compiler == "own" and cell.mode != "compiled":
        lines.append('torch.compiler.set_stance("force_eager")  # what it compiles runs as it stands')
    if wraps_compile(adapter, cell.mode):
        lines.append("step = torch.compile(optimizer.step)")
    return lines
