"""Standalone scripts: a failure as a short torch program that needs neither stepcheck nor Hypothesis."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from stepcheck import standalone_manners as manners
from stepcheck_implementations import path as paths
from stepcheck_implementations.subject import Adapter, Cell, wraps_compile
from stepcheck_implementations.update_function import CLASS, function_name
from stepcheck_reference.formats import is_complex
from stepcheck_reference.script import Data, Quadratic, Script, Tensor, expand

GRADIENT = "gradient"
"""The output of a gradient that a step has written into."""
_WIDTH = 110
_GUARD = 1.5
"""What stands between the elements of a strided parameter; a number, because nan would survive a stray update."""


_HOLDING = [
    "",
    "",
    "def holding(part):  # the attributes that are parameters, or lists of them",
    "    lists = {name: x if isinstance(x, list) else [x] for name, x in vars(part).items()}",
    "    return [name for name, x in lists.items() if x and all(isinstance(p, torch.nn.Parameter) for p in x)]",
    "",
    "",
    "held = [holding(part) for part in optimizer]",
]


def literal(value: object) -> str:
    """Return ``value`` as Python source; a non-finite float as ``float("nan")`` and the like."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value!r}")'
    if isinstance(value, complex):
        return f"complex({literal(value.real)}, {literal(value.imag)})"
    return repr(value)


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


def keywords(values: Mapping[str, object]) -> str:
    """Return ``values`` as keyword arguments in a call."""
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def call(adapter: Adapter, cell: Cell, script: Script) -> str:
    """Return the constructor call of the script's first group, for people to paste."""
    name = function_name(cell.target)
    hyper = _hyper(adapter, cell, script.groups[0].hyper if script.groups else {})
    return f"{name}({keywords({**arguments(adapter, hyper), **_options(adapter, cell)})})"


def program(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    *,
    title: str,
    output: str | None = None,
    tensor: int = 0,
    index: int = 0,
    step: int = 0,
    expected: float = 0.0,
    radius: float = 0.0,
) -> str:
    """Return a program that runs ``script`` and exits 1 where ``output`` lies outside expected ± radius.

    ``output`` is "theta", a state's alphabet name, "count", "gradient" (which no step may write into), or None where
    the failure is that the subject does not finish: then the program fails by itself, after 60 s at the latest.
    ``step`` 0 means before the first step.
    """
    lines = _head(adapter, cell, [script], title, hangs=output is None)
    if output == GRADIENT:
        return "\n".join([*lines, *_ran(adapter, cell, script, len(script.steps), watched=tensor)]) + "\n"
    lines += _ran(adapter, cell, script, len(script.steps) if output is None else step, holding=output is None)
    lines.append("")
    if output is None:
        return "\n".join([*lines, *_intact(adapter, script)]) + "\n"
    lines.append(f"observed = {_reading(adapter, cell, script, output, tensor, index)}")
    lines.append(f"expected, radius = {literal(expected)}, {literal(radius)}")
    what = f"{output} of p{tensor} at {index} " + (f"after step {step}" if step else "before the first step")
    lines.append(f'print(f"{what}: observed {{observed!r}}, expected {{expected!r}} ± {{radius!r}}")')
    lines.append("if not abs(observed - expected) <= radius:")
    lines.append("    raise SystemExit(1)")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Place:
    """A real number of a run: an output of one tensor, after a step, at an index."""

    output: str
    tensor: int
    step: int
    index: int


def pair(
    adapter: Adapter,
    runs: tuple[tuple[Cell, Script, Place], tuple[Cell, Script, Place]],
    *,
    title: str,
    factor: float = 1.0,
) -> str:
    """Return a program of two ``runs`` that exits 1 where the first's number is not ``factor`` times the second's."""
    lines = _head(adapter, runs[0][0], [script for _, script, _ in runs], title, hangs=False)
    for name, (cell, script, place) in zip(("one", "other"), runs, strict=True):
        inside = _ran(adapter, cell, script, place.step)
        reading = _reading(adapter, cell, script, place.output, place.tensor, place.index)
        lines += ["", "", f"def {name}():", *(f"    {line}".rstrip() for line in [*inside, f"return {reading}"])]
    output, tensor, step, index = (getattr(runs[0][2], name) for name in ("output", "tensor", "step", "index"))
    expected = "other()" if factor == 1.0 else f"{literal(factor)} * other()"
    lines += ["", "", f"observed, expected = one(), {expected}"]
    lines.append(
        f'print(f"{output} of p{tensor} at {index} after step {step}: {{observed!r}}, but should be {{expected!r}}")'
    )
    lines += ["if observed != expected:", "    raise SystemExit(1)"]
    return "\n".join(lines) + "\n"


def _head(adapter: Adapter, cell: Cell, scripts: list[Script], title: str, *, hangs: bool) -> list[str]:
    lines = [f'"""{title}"""', ""]
    lines += _imports(cell, hangs=hangs, more=manners.imports(scripts))
    lines += _layouts(tensor for script in scripts for tensor in script.tensors)
    lines += manners.definitions(scripts)
    return [*lines, "", *adapter.source.splitlines(), "", ""] if adapter.source else lines


def _ran(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    stop: int,
    *,
    holding: bool = False,
    watched: int | None = None,
) -> list[str]:
    """Return the lines that run ``script`` up to step ``stop``."""
    wide = "float64_default" in script.manners
    lines = ["torch.set_default_dtype(torch.float64)"] if wide else []
    for number, item in enumerate(script.tensors):
        lines += _tensor(number, item, cell)
    lines += _build(adapter, cell, script)
    if holding and adapter.takes != "groups":
        lines += _HOLDING
    lines += _steps(adapter, cell, script, stop, watched=watched)
    return [*lines, "torch.set_default_dtype(torch.float32)"] if wide else lines


def _imports(cell: Cell, *, hangs: bool, more: list[str]) -> list[str]:
    where, colon, name = cell.target.rpartition(":")
    if not colon:
        where, _, name = cell.target.rpartition(".")
    head = name.partition(".")[0]
    lines = [*(["import faulthandler"] if hangs else []), *more]
    if where.endswith(".py"):
        lines += ["import importlib.util", "import sys", "from pathlib import Path", "", "import torch", ""]
        lines += [
            f"path = Path({where!r}).resolve()",
            "sys.path.insert(0, str(path.parent))",
            'spec = importlib.util.spec_from_file_location("subject", path)',
            "module = importlib.util.module_from_spec(spec)",
            *(['sys.modules["subject"] = module'] if "import pickle" in more else []),
            "spec.loader.exec_module(module)",
            f"{name.rpartition('.')[2]} = module.{name}",
        ]
    else:
        lines += ["import torch", f"from {where} import {head}"]
        if head != name:
            lines.append(f"{name.rpartition('.')[2]} = {name}")
    lines.append("")
    if hangs:
        lines += ["faulthandler.dump_traceback_later(60, exit=True)", ""]
    return lines


def _layouts(tensors: Iterable[Tensor]) -> list[str]:
    used = {item.layout for item in tensors}
    lines: list[str] = []
    if "transposed" in used:
        lines += [
            "def transposed(x):  # the same values, last two axes swapped in memory",
            "    return x.mT.contiguous().mT if x.dim() > 1 else x.clone()",
            "",
        ]
    if "sliced" in used:
        lines += [
            "def sliced(x):  # the same values, every second element of a larger buffer",
            "    shape = (*x.shape[:-1], 2 * x.shape[-1] + 1) if x.dim() else (3,)",
            f"    base = torch.full(shape, {_GUARD!r}, dtype=x.dtype, device=x.device)",
            "    return (base[..., 1::2] if x.dim() else base[1]).copy_(x)",
            "",
        ]
    if "channels_last" in used:
        lines += [
            "def channels_last(x):",
            "    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x.clone()",
            "",
        ]
    return ["", *lines, ""] if lines else []


def _values(data: Data, item: Tensor) -> str:
    values = expand(data, item.size, item.dtype).tolist()
    entries: list[object] = [*values]
    if is_complex(item.dtype):
        entries = [complex(values[at], values[at + 1]) for at in range(0, len(values), 2)]
    if len(set(map(repr, entries))) == 1:
        return f"torch.full({_tuple(item.shape)}, {literal(entries[0])}, dtype=torch.{item.dtype})"
    flat = f"torch.tensor({_value(entries)}, dtype=torch.{item.dtype})"
    return flat if len(item.shape) == 1 else f"{flat}.reshape({_tuple(item.shape)})"


def _tensor(number: int, item: Tensor, cell: Cell) -> list[str]:
    expression = _placed(item.initial, item, cell, item.layout)
    without = ", requires_grad=False" if cell.mode == "differentiable" else ""
    return wrapped(f"p{number} = torch.nn.Parameter({expression}{without})")


def _placed(data: Data, item: Tensor, cell: Cell, layout: str) -> str:
    expression = _values(data, item)
    if cell.device != "cpu":
        expression += f'.to("{cell.device}")'
    return expression if layout == "contiguous" else f"{layout}({expression})"


def _gradient(data: Data | None, item: Tensor, cell: Cell) -> str:
    """A dense parameter's gradient has its strides, as autograd makes it; any other's is contiguous."""
    if data is None:
        return "None"
    return _placed(data, item, cell, "contiguous" if item.layout == "sliced" else item.layout)


def _hyper(adapter: Adapter, cell: Cell, hyper: Mapping[str, float]) -> dict[str, float]:
    fixed = {
        name: float(value) for name, value in cell.fixed if name in adapter.hyper and isinstance(value, (int, float))
    }
    return {**adapter.configuration(cell.configuration).holds, **fixed, **hyper}


class _Source(str):
    """Python that stands for itself."""

    __slots__ = ()


def _options(adapter: Adapter, cell: Cell) -> dict[str, object]:
    configuration = adapter.configuration(cell.configuration)
    fixed = {name: value for name, value in cell.fixed if name not in {**adapter.hyper, **configuration.holds}}
    path = {} if adapter.through else adapter.modes.get(cell.mode, {})  # a wrapper's modes are no arguments of a class
    return {**configuration.options, **path, **fixed}


def _given(adapter: Adapter, cell: Cell, script: Script, hyper: Mapping[str, float]) -> dict[str, object]:
    """Return a group's constructor arguments."""
    given = arguments(adapter, _hyper(adapter, cell, hyper))
    slot = adapter.hyper.get("lr")
    if "tensor_lr" in script.manners and slot in given:
        given[slot] = _Source(f"torch.tensor({_value(given[slot])}, dtype=torch.float64)")
    return given


def _build(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
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
                inside = "".join(f', "{key}": {_value(value)}' for key, value in given.items())
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


def _intact(adapter: Adapter, script: Script) -> list[str]:
    """What must be true of the parameters once the subject has finished."""
    shapes = ", ".join(f"({_tuple(item.shape)}, torch.{item.dtype})" for item in script.tensors)
    names = ", ".join(f"p{number}" for number in range(len(script.tensors)))
    lines = [
        f"for p, (shape, dtype) in zip([{names}], [{shapes}]):",
        "    if tuple(p.shape) != shape or p.dtype != dtype:",
        '        raise SystemExit(f"{tuple(p.shape)} {p.dtype}, but should be {shape} {dtype}")',
    ]
    if adapter.takes != "groups":
        lines += [
            "for part, names in zip(optimizer, held):",
            "    if names != holding(part):",
            '        raise SystemExit(f"{names} are no longer the parameters they were given")',
        ]
    if adapter.takes == "groups":
        given = ", ".join(f"[{', '.join(f'p{number}' for number in group.tensors)}]" for group in script.groups)
        lines += [
            f"for group, given in zip(optimizer.param_groups, [{given}]):",
            "    if [id(p) for p in group['params']] != [id(p) for p in given]:",
            '        raise SystemExit("param_groups no longer hold the parameters they were given")',
        ]
    sliced = [f"p{number}" for number, item in enumerate(script.tensors) if item.layout == "sliced"]
    if sliced:
        lines += [
            f"for p in [{', '.join(sliced)}]:  # what stands before, between and after the elements",
            "    base = torch.empty(0, dtype=p.dtype, device=p.device).set_(p.detach().untyped_storage())",
            "    between = base.reshape(-1, 2 * p.shape[-1] + 1)[:, 0::2] if p.dim() else base[0::2]",
            f"    if (between != {_GUARD!r}).any():",
            '        raise SystemExit(f"wrote between the elements of a strided parameter: {base.tolist()}")',
        ]
    return lines


def _step_call(adapter: Adapter, cell: Cell, script: Script, given: str) -> list[str]:
    if adapter.takes == "tensor" and not given and any(None in step.gradients for step in script.steps):
        names = ", ".join(f"p{number}" for group in script.groups for number in group.tensors)
        return [f"for p, part in zip([{names}], optimizer):", "    if p.grad is not None:", "        part.step()"]
    if adapter.takes != "groups":
        return ["for part in optimizer:", f"    part.step({given})"]
    return [f"step({given})"] if wraps_compile(adapter, cell.mode) else [f"optimizer.step({given})"]


def _steps(adapter: Adapter, cell: Cell, script: Script, stop: int, *, watched: int | None = None) -> list[str]:
    steps = script.steps[:stop]
    asks = "closure" in script.manners or script.objective is not None
    call_lines = _step_call(adapter, cell, script, "closure" if asks else "")
    lines = [] if script.objective is None else _closure(script, script.objective)
    if manners.plain(script.until(stop)) and len(steps) > 4 and watched is None:
        for number, item in enumerate(script.tensors):
            if len({step.gradients[number] for step in steps}) == 1:
                same = _gradient(steps[0].gradients[number], item, cell)
                lines += wrapped(f"gradients{number} = [{same}] * {len(steps)}")
                continue
            lines.append(f"gradients{number} = [")
            for step in steps:
                data = step.gradients[number]
                lines += [f"    {line}" for line in wrapped(f"{_gradient(data, item, cell)},")]
            lines.append("]")
        names = ", ".join(f"gradients{number}" for number in range(len(script.tensors)))
        grads = ", ".join(f"p{number}.grad" for number in range(len(script.tensors)))
        comma = "," if len(script.tensors) == 1 else ""
        lines.append(f"for {grads}{comma} in zip({names}):")
        return [*lines, *(f"    {line}" for line in call_lines)]
    current = [_hyper(adapter, cell, group.hyper) for group in script.groups]
    parameters, groups = [f"p{number}" for number in range(len(script.tensors))], adapter.takes == "groups"
    lines += manners.started(script, groups=groups)
    if "reused_gradient" in script.manners:
        lines.append(" = ".join(f"g{number}" for number in range(len(script.tensors))) + " = None")
    for position, step in enumerate(steps, 1):
        lines += ["", f"# step {position}"]
        if step.reload:
            lines += manners.interrupted(str(step.reload), parameters, groups=groups)
            if wraps_compile(adapter, cell.mode):
                lines.append("step = torch.compile(optimizer.step)")
            if step.reload not in ("copied", "pickled"):
                lines += manners.started(script, groups=groups)
        rates: list[tuple[int, str]] = []
        for group, name, value in step.hyper:
            current[group][name] = value
            if name == "lr" and groups and "scheduler" in script.manners:
                rates.append((group, _value(value)))
            else:
                lines += _change(adapter, script, group, name, current[group])
        lines += manners.rates(rates)
        for number, data in step.overwrite:
            lines += ["with torch.no_grad():"]
            lines += [f"    {line}" for line in wrapped(f"p{number}.copy_({_values(data, script.tensors[number])})")]
        for number, gradient in enumerate(step.gradients):
            item = script.tensors[number]
            text = _gradient(gradient, item, cell)
            if script.objective is not None:
                lines += wrapped(f"low[{number}] = {text}")
            elif script.manners:
                for line in manners.given(script, number, text, dims=len(item.shape)):
                    lines += wrapped(line)
            else:
                lines += wrapped(f"p{number}.grad = {text}")
        if "closure" in script.manners:
            lines += manners.closure(script, position)
        if watched is not None:
            lines.append(f"p, g = p{watched}, None if p{watched}.grad is None else p{watched}.grad.clone()")
        call = [f"returned = {line}" for line in call_lines] if asks and groups else call_lines
        lines += manners.skipped(call) if step.skip and groups else [] if step.skip else call
        if watched is not None:
            lines += ["if g is not None and not torch.equal(p.grad.nan_to_num(), g.nan_to_num()):"]
            told = f"the gradient of p{watched} was {{g.tolist()}}, and is {{p.grad.tolist()}}"
            lines.append(f'    raise SystemExit(f"{told}")')
        lines += manners.spoiled(script)
    return lines


def _change(adapter: Adapter, script: Script, group: int, name: str, hyper: Mapping[str, float]) -> list[str]:
    """Set one hyper-parameter of a group, as a scheduler would."""
    path = adapter.hyper.get(name, name) if adapter.settings is None else adapter.settings.get(name, name)
    stem, bracket, rest = path.rpartition("[")
    entry = bool(bracket) and rest.rstrip("]").isdigit()
    tensors = script.groups[group].tensors
    lines = []
    for tensor in tensors if adapter.takes == "tensor" else tensors[:1]:
        if adapter.takes == "groups" and not path.startswith("."):
            place = f'optimizer.param_groups[{group}]["{stem if entry else path}"]'
        else:
            place = _place(adapter, script, tensor, stem if entry else path)
        new = _value(hyper[name])
        if entry:
            new = f"tuple({new} if place == {rest.rstrip(']')} else old for place, old in enumerate({place}))"
        tensor_lr = name == "lr" and "tensor_lr" in script.manners
        held = tensor_lr or (adapter.compiler == "own" and path == "lr")  # torchao keeps it in a tensor
        lines.append(f"{place}.fill_({new})" if held else f"{place} = {new}")
    return lines


def _closure(script: Script, objective: Quadratic) -> list[str]:
    """Define the closure; ``low`` holds, a parameter, where the objective is lowest."""
    names = ", ".join(f"p{number}" for number in range(len(script.tensors)))
    return [
        "",
        f"low = [None] * {len(script.tensors)}",
        "",
        "",
        "def closure():  # the gradient of curvature/2*sum((p - low)**2)",
        f"    for p, lowest in zip([{names}], low):",
        f"        p.grad = None if lowest is None else (p.detach() - lowest) * {_value(objective.curvature)}",
        "    return torch.zeros(())",
        "",
    ]


def _reading(adapter: Adapter, cell: Cell, script: Script, output: str, tensor: int, index: int) -> str:
    source = f"p{tensor}.detach()"
    if output != "theta":
        path = str(adapter.count) if output == "count" else adapter.states[output]
        if output == "count" and adapter.takes == "groups" and path.isidentifier():
            group = next(number for number, held in enumerate(script.groups) if tensor in held.tensors)
            return f'float(optimizer.state[p{tensor}].get("{path}", optimizer.param_groups[{group}].get("{path}")))'
        source = f"torch.as_tensor({_place(adapter, script, tensor, path)}).detach()"
    if output == "count":
        return f"float({source})"
    if is_complex(script.tensors[tensor].dtype):
        source = f"torch.view_as_real({source})"
    return f"{source}.flatten()[{index}].item()"


def _place(adapter: Adapter, script: Script, tensor: int, path: str) -> str:
    """Return Python for what is held at ``path`` for a tensor."""
    number = next(number for number, group in enumerate(script.groups) if tensor in group.tensors)
    position = script.groups[number].tensors.index(tensor)
    before = sum(len(earlier.tensors) for earlier in script.groups[:number])
    if adapter.takes == "groups":
        group = f"optimizer.param_groups[{number}]"
        return paths.source(path, "optimizer", f"p{tensor}", before + position, group=group, table=True)
    if adapter.takes == "tensor":
        return paths.source(path, f"optimizer[{before + position}]", f"p{tensor}", 0)
    listed = "[#]" if adapter.declared and "[" not in path else ""
    return paths.source(path + listed, f"optimizer[{number}]", f"p{tensor}", position)


def _value(value: object) -> str:
    if isinstance(value, _Source):
        return str(value)
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_value(entry) for entry in value)
        if isinstance(value, list):
            return f"[{inside}]"
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.generic):
        return literal(value.item())
    return literal(value)


def _tuple(shape: tuple[int, ...]) -> str:
    return _value(tuple(shape))


def wrapped(line: str) -> list[str]:
    """Return ``line`` in lines that are not too long, if it has blanks to break it at."""
    indent = line[: len(line) - len(line.lstrip())]
    if len(line) <= _WIDTH:
        return [line]
    return textwrap.wrap(
        line.lstrip(),
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
