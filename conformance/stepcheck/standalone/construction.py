"""Construction of the optimizer in a standalone program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stepcheck.standalone.python_source import Source, keywords, source_of, wrapped
from stepcheck_implementations.adapters.adapter import Adapter, Cell, wraps_compile
from stepcheck_implementations.adapters.wrappers import INPUTS, MODEL, NAMED_PARAMETERS
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
    if any(step.reload in (*STATE_DICT_RELOADS, "loaded_aside") for step in script.steps):
        lines = [*build(adapter, cell, script), "", "", f"optimizer = {build_call(script)}"]
    else:
        lines = ["", *_constructed("optimizer = ", adapter, cell, script)]
    if adapter.trains:
        each = adapter.takes != "groups"
        lines += ["for part in optimizer:", "    part.train()"] if each else ["optimizer.train()"]
    if "two_optimizers" in script.invocation:
        lines += _other(adapter, cell, script)
    if adapter.compiler == "own" and cell.mode != "compiled":
        lines.append('torch.compiler.set_stance("force_eager")  # what it compiles itself runs eagerly')
    if wraps_compile(adapter, cell.mode):
        lines.append("step = torch.compile(optimizer.step)")
    return lines


def build(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the definition of ``build()``; it takes parameters where it builds for others, too."""
    return ["", "", f"def {build_call(script)}:", *_constructed("    return ", adapter, cell, script)]


def build_call(script: Script, prefix: str = "p") -> str:
    """Return the call of ``build``, for the parameters whose names start with ``prefix``."""
    takes = any(step.reload == "loaded_aside" for step in script.steps)
    names = ", ".join(f"{prefix}{number}" for number in range(len(script.tensors))) if takes else ""
    return f"build({names})"


def copied_parameters(script: Script, cell: Cell) -> list[str]:
    """Return the definitions of q0, q1, ..., which are copies of the parameters."""
    without = ", requires_grad=False" if cell.mode == "differentiable" else ""
    names = range(len(script.tensors))
    return [f"q{number} = torch.nn.Parameter(p{number}.detach().clone(){without})" for number in names]


def _other(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the construction of ``other``, in which each group has the hyper-parameters of the next."""
    hypers = [group.hyper for group in script.groups]
    groups = tuple(
        replace(group, hyper=hypers[(number + 1) % len(hypers)]) for number, group in enumerate(script.groups)
    )
    other = replace(script, groups=groups, steps=(), invocation=())
    return [*copied_parameters(script, cell), *_constructed("other = ", adapter, cell, other, "q")]


def added_group(adapter: Adapter, cell: Cell, script: Script, number: int) -> list[str]:
    """Return how a group is added, with the hyper-parameters that differ from those of the construction."""
    defaults, values = (_arguments(adapter, cell, script, script.groups[at].hyper) for at in (0, number))
    own = {name: value for name, value in values.items() if defaults.get(name) != value}
    entries = "".join(f', "{key}": {source_of(value)}' for key, value in own.items())
    names = ", ".join(_names(script.groups[number].tensors))
    return wrapped(f'optimizer.add_param_group({{"params": [{names}]{entries}}})')


_FORMS = {
    "parameter_list": "[{}]",
    "parameter_tuple": "tuple([{}])",
    "parameter_generator": "(p for p in [{}])",
    "named_parameters": "[{}]",
}
"""How the parameters of a group are given, by invocation variant."""


def _constructed(start: str, adapter: Adapter, cell: Cell, script: Script, prefix: str = "p") -> list[str]:
    """Return the statement that begins with ``start``: the optimizer, or a list of one a group or tensor.

    Names of parameters start with ``prefix``. Groups that a step adds are left out.
    """
    name = CLASS if adapter.source else function_name(cell.target)
    indent = start[: len(start) - len(start.lstrip())]
    options = _options(adapter, cell)
    since = script.since if adapter.takes == "groups" else (0,) * len(script.groups)
    form = next((variant for variant in _FORMS if variant in script.invocation), "")
    groups = [
        (
            _arguments(adapter, cell, script, group.hyper),
            _names(group.tensors, prefix, named=form == "named_parameters"),
        )
        for number, group in enumerate(script.groups)
        if not since[number]
    ]
    parameters = _FORMS.get(form, "[{}]")
    if adapter.takes == "groups" and len(groups) == 1:
        ((values, names),) = groups
        return wrapped(f"{start}{name}({parameters.format(', '.join(names))}, {keywords({**values, **options})})")
    if adapter.takes == "groups":
        before, after = _FORMS.get(form, "[{}]").replace("for p in", "for group in").replace("(p", "(group").split("{}")
        lines = [f"{start}{name}({before}"]
        for values, names in groups:
            entries = "".join(f', "{key}": {source_of(value)}' for key, value in values.items())
            lines.append(f'{indent}    {{"params": {parameters.format(", ".join(names))}{entries}}},')
        defaults = keywords({**groups[0][0], **options})  # as the worker constructs it
        return [*lines, *wrapped(f"{indent}{after}, {defaults})")]
    lines = [f"{start}["]
    for values, names in groups:
        for entry in names if adapter.takes == "tensor" else [_listed(adapter, names)]:
            lines.append(f"{indent}    {name}({entry}, {keywords({**values, **options})}),")
    return [*lines, f"{indent}]"]


def _listed(adapter: Adapter, names: list[str]) -> str:
    """Return Python for the parameters of one group, in the form that the constructor takes."""
    if adapter.wrapper == NAMED_PARAMETERS:
        return f"[{', '.join(f'({name!r}, {name})' for name in names)}]"
    return f"torch.nn.ParameterList([{', '.join(names)}])" if adapter.wrapper == MODEL else f"[{', '.join(names)}]"


def _names(tensors: tuple[int, ...], prefix: str = "p", *, named: bool = False) -> list[str]:
    names = [f"{prefix}{number}" for number in tensors]
    return [f'("{name}", {name})' for name in names] if named else names


def _options(adapter: Adapter, cell: Cell) -> dict[str, object]:
    """Return the constructor arguments of the cell that are no hyper-parameters."""
    configuration = adapter.configuration(cell.configuration)
    fixed = {name: value for name, value in cell.fixed if name not in {**adapter.hyper, **configuration.fixed_hyper}}
    plain = not adapter.wrapper or adapter.wrapper in INPUTS
    mode = {} if not plain else adapter.modes.get(cell.mode, {})  # a wrapper's modes are no arguments of a class
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
