"""Standalone scripts: a failure as a short torch program that needs neither stepcheck nor Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.standalone import invocation
from stepcheck.standalone.building import build
from stepcheck.standalone.ending import ending
from stepcheck.standalone.source import literal, shape_of
from stepcheck.standalone.steps import place_of, steps
from stepcheck.standalone.tensors import GUARD, layouts, tensor_of
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Script

GRADIENT = "gradient"
"""The output of a gradient that a step has written into."""
ACCEPTED = "taken"
"""The output of a hyper-parameter that a constructor should have refused."""

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


def standalone_program(
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

    ``output`` is "theta", a state's alphabet name, "count", "gradient" (which no step may write into), "taken" (the
    constructor should raise), or None where the failure is that the subject does not finish: then the program fails by
    itself, after 60 s at the latest. ``step`` 0 means before the first step.
    """
    lines = _head(adapter, cell, [script], title, hangs=output is None)
    if output == ACCEPTED:
        return "\n".join([*lines, *_refusing(adapter, cell, script)]) + "\n"
    if output == GRADIENT:
        return "\n".join([*lines, *_ran(adapter, cell, script, len(script.steps), watched=tensor)]) + "\n"
    lines += _ran(adapter, cell, script, len(script.steps) if output is None else step, holding=output is None)
    if output is None:
        return "\n".join([*lines, "", *_intact(adapter, script)]) + "\n"
    reading = _reading(adapter, cell, script, output, tensor, index)
    lines += ending(reading, output=output, tensor=tensor, index=index, step=step, expected=expected, radius=radius)
    return "\n".join(lines) + "\n"


def expression_program(
    adapter: Adapter, cell: Cell, script: Script, *, title: str, step: int, reading: str, wanted: str
) -> str:
    """Return a program that exits 1 where ``reading``, a Python expression, is not ``wanted`` after ``step``."""
    lines = _head(adapter, cell, [script], title, hangs=False)
    lines += [*_ran(adapter, cell, script, step), "", f"observed, expected = {reading}, {wanted}"]
    lines += ['print(f"after step ' + str(step) + ': {observed!r}, but should be {expected!r}")']
    lines += ["if observed != expected:", "    raise SystemExit(1)"]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Element:
    """A real number of a run: an output of one tensor, after a step, at an index."""

    output: str
    tensor: int
    step: int
    index: int


def pair_program(
    adapter: Adapter,
    runs: tuple[tuple[Cell, Script, Element], tuple[Cell, Script, Element]],
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
    lines += _imports(cell, hangs=hangs, more=invocation.imports(scripts))
    lines += layouts(tensor for script in scripts for tensor in script.tensors)
    lines += invocation.definitions(scripts)
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
    wide = "float64_default" in script.invocation
    lines = ["torch.set_default_dtype(torch.float64)"] if wide else []
    for number, item in enumerate(script.tensors):
        lines += tensor_of(number, item, cell)
    lines += build(adapter, cell, script)
    if holding and adapter.takes != "groups":
        lines += _HOLDING
    lines += steps(adapter, cell, script, stop, watched=watched)
    return [*lines, "torch.set_default_dtype(torch.float32)"] if wide else lines


def _refusing(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the lines that construct the subject, and fail where it raises nothing."""
    lines = [line for number, item in enumerate(script.tensors) for line in tensor_of(number, item, cell)]
    defined = build(adapter, cell, script)
    return [
        *lines,
        *defined[: defined.index("optimizer = build()")],
        "try:",
        "    build()",
        "except Exception as error:",
        '    print(f"refused: {error}")',
        "else:",
        '    raise SystemExit("taken, but should be refused")',
    ]


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


def _intact(adapter: Adapter, script: Script) -> list[str]:
    """What must be true of the parameters once the subject has finished."""
    shapes = ", ".join(f"({shape_of(item.shape)}, torch.{item.dtype})" for item in script.tensors)
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
    if any(step.reload in ("copied", "pickled") for step in script.steps):
        sliced = []  # a copy of a parameter takes along no memory between its elements
    if sliced:
        lines += [
            f"for p in [{', '.join(sliced)}]:  # what stands before, between and after the elements",
            "    base = torch.empty(0, dtype=p.dtype, device=p.device).set_(p.detach().untyped_storage())",
            "    between = base.reshape(-1, 2 * p.shape[-1] + 1)[:, 0::2] if p.dim() else base[0::2]",
            f"    if (between != {GUARD!r}).any():",
            '        raise SystemExit(f"wrote between the elements of a strided parameter: {base.tolist()}")',
        ]
    return lines


def _reading(adapter: Adapter, cell: Cell, script: Script, output: str, tensor: int, index: int) -> str:
    source = f"p{tensor}.detach()"
    if output != "theta":
        path = str(adapter.count) if output == "count" else adapter.states[output]
        if output == "count" and adapter.takes == "groups" and path.isidentifier():
            group = next(number for number, held in enumerate(script.groups) if tensor in held.tensors)
            return f'float(optimizer.state[p{tensor}].get("{path}", optimizer.param_groups[{group}].get("{path}")))'
        source = f"torch.as_tensor({place_of(adapter, script, tensor, path)}).detach()"
    if output == "count":
        return f"float({source})"
    if is_complex(script.tensors[tensor].dtype):
        source = f"torch.view_as_real({source})"
    return f"{source}.flatten()[{index}].item()"
