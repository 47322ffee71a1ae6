"""Standalone programs: a failure as a short torch program that needs neither stepcheck nor Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.standalone import events
from stepcheck.standalone.construction import build, build_call, construction
from stepcheck.standalone.parameters import layout_of_gradient, parameters
from stepcheck.standalone.paste import pasted
from stepcheck.standalone.python_source import comparison, docstring, literal, source_of
from stepcheck.standalone.steps import state_of, steps
from stepcheck.standalone.subject_imports import subject_imports
from stepcheck_implementations.adapters.adapter import COMPENSATION, MASTER, Adapter, Cell
from stepcheck_reference.formats import is_complex
from stepcheck_reference.scripts.script import Script

GRADIENT = "gradient"
"""The output of a failure in which a step writes into a gradient."""
ACCEPTED = "taken"
"""The output of a failure in which a constructor accepts an invalid hyper-parameter."""


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
    unfinished = output is None
    lines = _head(adapter, cell, [script], title, unfinished=unfinished)
    if output == ACCEPTED:
        lines += _refusal(adapter, cell, script)
    elif output == GRADIENT:
        lines += _run(adapter, cell, script, len(script.steps), watched=tensor)
    elif output is None:
        lines += [*_run(adapter, cell, script, len(script.steps), unfinished=True), "", *_intact(adapter, script)]
    else:
        reading = _reading(adapter, cell, script, output, tensor, index)
        lines += _run(adapter, cell, script, step)
        lines += comparison(
            reading, output=output, tensor=tensor, index=index, step=step, expected=expected, radius=radius
        )
    return "\n".join(lines) + "\n"


def expression_program(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    *,
    title: str,
    step: int,
    reading: str,
    wanted: str,
    before: str = "",
) -> str:
    """Return a program that exits 1 where ``reading``, a Python expression, is not ``wanted`` after ``step``.

    ``before`` are lines that come before everything else.
    """
    lines = _head(adapter, cell, [script], title)
    lines += [*before.splitlines(), *_run(adapter, cell, script, step), "", f"observed, expected = {reading}, {wanted}"]
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
    """Return a program of a run and its reference that exits 1 where the first is not ``factor`` times the second."""
    lines = _head(adapter, runs[0][0], [script for _, script, _ in runs], title)
    for name, (cell, script, element) in zip(("run", "reference_run"), runs, strict=True):
        inside = _run(adapter, cell, script, element.step)
        reading = _reading(adapter, cell, script, element.output, element.tensor, element.index)
        lines += ["", "", f"def {name}():", *(f"    {line}".rstrip() for line in [*inside, f"return {reading}"])]
    output, tensor, step, index = (getattr(runs[0][2], name) for name in ("output", "tensor", "step", "index"))
    expected = "reference_run()" if factor == 1.0 else f"{literal(factor)} * reference_run()"
    lines += ["", "", f"observed, expected = run(), {expected}"]
    lines.append(
        f'print(f"{output} of p{tensor}[{index}] after step {step}: {{observed!r}}, but should be {{expected!r}}")'
    )
    lines += ["if observed != expected:", "    raise SystemExit(1)"]
    return "\n".join(lines) + "\n"


def _head(adapter: Adapter, cell: Cell, scripts: list[Script], title: str, *, unfinished: bool = False) -> list[str]:
    """Return the title, the imports, and the definitions that the rest uses."""
    tensors = [item for script in scripts for item in script.tensors]
    names = {layout for item in tensors for layout in (item.layout, layout_of_gradient(item))} - {"contiguous"}
    names |= events.definitions(scripts)
    if unfinished:
        names |= {"parameter_attributes"} if adapter.takes != "groups" else set()
        names |= {
            _AROUND[layout] for script in scripts for _, layout in (*_guarded(script), *_guarded_gradients(script))
        }
    more, definitions = pasted(names)
    modules = sorted([*more, *events.imports(scripts), *(["import faulthandler"] if unfinished else [])])
    lines = [docstring(title), "", *subject_imports(cell.target, modules)]
    if unfinished:
        lines += ["", "faulthandler.dump_traceback_later(60, exit=True)"]
    if definitions:
        lines += [*definitions, ""]
    if adapter.source:
        lines += ["", "", *adapter.source.splitlines(), ""]
    return [*lines, ""]


def _run(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    stop: int,
    *,
    unfinished: bool = False,
    watched: int | None = None,
) -> list[str]:
    """Return the lines that run ``script`` up to step ``stop``."""
    wide = "float64_default" in script.invocation
    lines = ["torch.set_default_dtype(torch.float64)"] if wide else []
    lines += [f"torch.set_num_threads({script.threads})"] if script.threads > 1 else []
    lines += parameters(script, cell)
    if unfinished and (guarded := _guarded(script)):
        around = ", ".join(f"{_AROUND[layout]}({name}.detach())" for name, layout in guarded)
        lines.append(f"neighbours = [{around}]")
    lines += construction(adapter, cell, script)
    if unfinished and adapter.takes != "groups":
        lines.append("attributes = [parameter_attributes(part) for part in optimizer]")
    lines += steps(adapter, cell, script, stop, watched=watched)
    return [*lines, "torch.set_default_dtype(torch.float32)"] if wide else lines


def _refusal(adapter: Adapter, cell: Cell, script: Script) -> list[str]:
    """Return the lines that construct the subject, and exit with 1 where it raises nothing."""
    return [
        *parameters(script, cell),
        *build(adapter, cell, script),
        "",
        "",
        "try:",
        f"    {build_call(script)}",
        "except Exception as error:",
        '    print(f"refused: {error}")',
        "else:",
        '    raise SystemExit("accepted, but should be refused")',
    ]


def _intact(adapter: Adapter, script: Script) -> list[str]:
    """Return what must be true of the parameters after the last step."""
    names = [f"p{number}" for number in range(len(script.tensors))]
    formats = ", ".join(f"({source_of(item.shape)}, torch.{item.dtype})" for item in script.tensors)
    lines = [
        f"for p, (shape, dtype) in zip([{', '.join(names)}], [{formats}]):",
        "    if tuple(p.shape) != shape or p.dtype != dtype:",
        '        raise SystemExit(f"{tuple(p.shape)} {p.dtype}, but should be {shape} {dtype}")',
    ]
    if adapter.takes == "groups":
        frozen = {number for number, item in enumerate(script.tensors) if item.frozen}
        groups = ", ".join(
            f"[{', '.join(names[number] for number in group.tensors if number not in frozen)}]"
            for group in script.groups
        )
        condition = " if p.requires_grad" if frozen else ""
        lines += [
            f"for group, parameters in zip(optimizer.param_groups, [{groups}]):",
            f'    if [id(p) for p in group["params"]{condition}] != [id(p) for p in parameters]:',
            '        raise SystemExit("param_groups have other parameters than they were constructed with")',
        ]
    else:
        lines += [
            "for part, names in zip(optimizer, attributes):",
            "    if names != parameter_attributes(part):",
            '        raise SystemExit(f"{names} are no longer the parameters that they were constructed with")',
        ]
    if _guarded(script):
        lines += [
            "if any((memory != GUARD).any() for memory in neighbours):",
            '    raise SystemExit("memory around the elements of a parameter was written")',
        ]
    for name, layout in _guarded_gradients(script):
        lines += [
            f"if ({_AROUND[layout]}({name}) != GUARD).any():",
            f'    raise SystemExit("memory around the elements of {name} was written")',
        ]
    return lines


_AROUND = {"sliced": "between_elements", "flat": "ends_of_buffer"}
"""The definition that returns the memory around the elements of a tensor, by its layout."""


def _guarded(script: Script) -> list[tuple[str, str]]:
    """Return the parameters with memory around their elements, each with its layout."""
    return [(f"p{number}", item.layout) for number, item in enumerate(script.tensors) if item.layout in _AROUND]


def _guarded_gradients(script: Script) -> list[tuple[str, str]]:
    """Return the last step's gradients with memory around their elements, each with its layout."""
    if script.invocation or script.objective is not None or not script.steps:
        return []
    rows = zip(script.tensors, script.steps[-1].gradients, strict=True)
    layouts = [(f"p{n}.grad", layout_of_gradient(item)) for n, (item, data) in enumerate(rows) if data is not None]
    return [(name, layout) for name, layout in layouts if layout in _AROUND]


def _reading(adapter: Adapter, cell: Cell, script: Script, output: str, tensor: int, index: int) -> str:
    source = f"p{tensor}.detach()"
    beyond = f" - {adapter.count_offset}" if output == "count" and adapter.count_offset else ""
    if output != "theta":
        path = str(adapter.count) if output == "count" else adapter.states[output]
        if output == "count" and adapter.takes == "groups" and path.isidentifier():
            group = next(number for number, entry in enumerate(script.groups) if tensor in entry.tensors)
            in_group = f'optimizer.param_groups[{group}].get("{path}")'
            return f'float(optimizer.state[p{tensor}].get("{path}", {in_group})){beyond}'
        source = f"torch.as_tensor({state_of(adapter, script, tensor, path)}).detach()"
    if output == "count":
        return f"float({source}){beyond}"
    if output == "theta":
        source = _with_compensation(adapter, script, tensor, source)
    if is_complex(script.tensors[tensor].dtype):
        source = f"torch.view_as_real({source})"
    return f"{source}.flatten()[{index}].item()"


def _with_compensation(adapter: Adapter, script: Script, tensor: int, source: str) -> str:
    """Return Python for the value of a parameter: its wider copy, or with its compensation, where there is one."""
    for name in (MASTER, COMPENSATION):
        if name in adapter.states:
            kept = f"torch.as_tensor({state_of(adapter, script, tensor, adapter.states[name])}).detach()"
            return kept if name == MASTER else f"({source}.double() + {kept}.double())"
    return source
