"""A certificate as text: a table of cells, a summary, known findings, and every failure."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from stepcheck.certificate import CellResult, Certificate, Failure, Number, Worst
from stepcheck.verdict import MEANINGS, Verdict, exit_code
from stepcheck_implementations.subject import MODES
from stepcheck_reference.formats import FORMATS

WIDTH = 100

_MARKS = {
    Verdict.HOLDS: "✓",
    Verdict.BROKEN: "✗",
    Verdict.EXPECTED_BROKEN: "!",
    Verdict.VACUOUS: "∅",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.NOT_RUN: "·",
}


def report(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the whole report."""
    parts = [table(certificate.cells), summary(certificate, strict=strict)]
    known = findings(certificate.cells)
    if known:
        parts.append(known)
    broken = failures(certificate.cells)
    if broken:
        parts.append(broken)
    return "\n\n".join(part for part in parts if part)


def ratio(value: Number) -> str:
    """Return a ratio in three figures, as in 0.983 or 1.2e4."""
    exact = float(value)
    if 0.01 <= exact < 1:
        return f"{exact:.3f}"
    if exact == 0 or 1 <= exact < 1000:
        return f"{exact:.3g}"
    return f"{exact:.1e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def table(cells: Sequence[CellResult]) -> str:
    """Return one row a configuration and mode, one column a dtype; a table a device."""
    return "\n\n".join(
        _device_table(device, [cell for cell in cells if cell.device == device])
        for device in dict.fromkeys(cell.device for cell in cells)
    )


def _device_table(device: str, cells: list[CellResult]) -> str:
    dtypes = [dtype for dtype in FORMATS if any(cell.dtype == dtype for cell in cells)]
    at = {(cell.configuration, cell.mode, cell.dtype): cell for cell in cells}
    first = 2 + max(len(device), *(len(cell.mode) for cell in cells))
    widths = [max(len(dtype), *(len(mark(cell)) for cell in cells if cell.dtype == dtype)) for dtype in dtypes]

    def line(name: str, entries: Iterable[str]) -> str:
        columns = (f"{entry:<{width}}" for entry, width in zip(entries, widths, strict=True))
        return "  ".join((f"{name:<{first}}", *columns)).rstrip()

    lines = [line(device, dtypes), "─" * len(line(device, ["x" * width for width in widths]))]
    for configuration in dict.fromkeys(cell.configuration for cell in cells):
        inside = [cell for cell in cells if cell.configuration == configuration]
        held = next((cell.rule for cell in inside if cell.rule), "")
        lines.append(f"{configuration}: {held}" if held else configuration)
        for mode in [mode for mode in MODES if any(cell.mode == mode for cell in inside)]:
            row = [at.get((configuration, mode, dtype)) for dtype in dtypes]
            lines.append(line(f"  {mode}", (mark(cell) if cell else "" for cell in row)))
    seen = {cell.verdict for cell in cells}
    legend = ", ".join(f"{_MARKS[verdict]} {_words(verdict)}" for verdict in _MARKS if verdict in seen)
    return "\n".join([*lines, *_fill(f"{legend}; a number is the worst error in radii, 1 is the envelope's edge")])


def mark(cell: CellResult) -> str:
    """Return a cell of the table, as in "✓ 0.983", "✗ nan" or "✗ crashed"."""
    sign = _MARKS[cell.verdict]
    if cell.verdict in (Verdict.NOT_APPLICABLE, Verdict.NOT_RUN, Verdict.VACUOUS):
        return sign
    faults = [failure for failure in cell.failures if failure.worst is None and failure.fault]
    if faults:
        return f"{sign} {faults[0].fault}"
    shown = [failure.worst for failure in cell.failures if failure.worst]
    if any(str(entry.observed) == "nan" for entry in shown):
        return f"{sign} nan"
    worst = max((float(entry.ratio) for entry in shown), default=cell.ratio)
    return f"{sign} {ratio(max(worst, cell.ratio) if cell.worst else worst)}"


def summary(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the verdict and what it rests on."""
    found, cells = certificate.findings, certificate.cells
    ran = [cell for cell in cells if cell.scripts]
    counts = Counter(cell.verdict for cell in cells)
    tally = ", ".join(f"{counts[verdict]} {_words(verdict)}" for verdict in _MARKS if counts[verdict])
    rows: list[tuple[str, str]] = [("verdict", f"{_words(found.verdict)}: {MEANINGS[found.verdict]}")]
    if found.unfinished:
        rows.append(("interrupted", f"{found.unfinished} cells are missing; the verdict is on the others alone"))
    rows.append(("cells", tally or "none"))
    rows.append(("rule", f"{found.target} is held to {found.rule}"))
    steps, compared = sum(cell.element_steps for cell in cells), certificate.compared
    scripts = sum(cell.scripts for cell in cells)
    rows.append(("compared", f"{_count(compared)} of {_count(steps)} element-steps in {_count(scripts)} scripts"))
    missing: Counter[str] = Counter()
    for cell in cells:
        missing.update(cell.not_compared)
    if missing:
        rows.append(("not compared", "; ".join(f"{_count(n)} {reason}" for reason, n in missing.most_common())))
    nonfinite = sum(cell.admissible_nonfinite for cell in cells)
    if nonfinite:
        rows.append(("non-finite", f"{_count(nonfinite)} values that the envelope admits"))
    rows += _worst_rows(ran)
    seen = Counter(cell.observability for cell in ran if cell.compared)
    if seen:
        rows.append(("observability", ", ".join(f"{name} ({number} cells)" for name, number in seen.most_common())))
    sources = {cell.arithmetic: cell.arithmetic_source for cell in ran if cell.arithmetic}
    rows += [("arithmetic" if not n else "", f"{name}: {source}") for n, (name, source) in enumerate(sources.items())]
    for inferred in dict.fromkeys(cell.inferred for cell in ran if cell.inferred):
        where = [cell for cell in ran if cell.inferred == inferred]
        rows.append(("inferred", f"{inferred} ({_cells(where, cells)})"))
    for verdict in (Verdict.VACUOUS, Verdict.NOT_APPLICABLE, Verdict.NOT_RUN):
        reasons = dict.fromkeys(cell.reason for cell in cells if cell.verdict is verdict)
        for n, reason in enumerate(reasons):
            where = [cell for cell in cells if cell.verdict is verdict and cell.reason == reason]
            rows.append((_words(verdict) if not n else "", f"{reason} ({_cells(where, cells)})"))
    run = certificate.run
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    asked = f"profile {found.profile}, seed {found.seed}"
    rows.append(("run", f"{run.seconds:.1f} s, {_plural(run.jobs, 'job')}, {asked}; {versions}"))
    code = exit_code(found.verdict, strict=strict)
    rows.append(("exit code", f"{130 if run.interrupted else code}" + (" (--strict)" if strict else "")))
    return "\n".join(line for name, text in rows for line in _row(name, text))


def _worst_rows(cells: Iterable[CellResult]) -> list[tuple[str, str]]:
    outputs: dict[str, tuple[float, str]] = {}
    zero: tuple[float, str] | None = None
    for cell in cells:
        for output, worst in cell.worst.items():
            outputs[output] = max(outputs.get(output, (-1.0, "")), (float(worst.ratio), cell.id))
        if cell.worst_from_zero is not None:
            zero = max(zero or (-1.0, ""), (float(cell.worst_from_zero.ratio), cell.id))
    rows: list[tuple[str, str]] = []
    if "theta" in outputs:
        rows.append(("worst ratio", f"parameters {ratio(outputs['theta'][0])}, in {outputs['theta'][1]}"))
    if zero is not None:
        rows.append(("", f"updates from θ = 0 {ratio(zero[0])}, in {zero[1]}"))
    for output, (value, where) in outputs.items():
        if output != "theta":
            rows.append(("" if rows else "worst ratio", f"state {output} {ratio(value)}, in {where}"))
    return rows


def findings(cells: Sequence[CellResult]) -> str:
    """Return the known findings that break here, each with its explanation, and those that no longer do."""
    groups: dict[str, list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if entry.finding:
                groups.setdefault(entry.finding, []).append((cell, entry))
    parts: list[str] = []
    for name, entries in groups.items():
        where = list({cell.id: cell for cell, _ in entries}.values())
        worst = max(entries, key=lambda pair: float(pair[1].worst.ratio) if pair[1].worst else float("inf"))
        lines = _fill(f"! known finding {name}, in {_cells(where, cells)}")
        lines += _fill(worst[1].explanation, "  ")
        lines += _fill(f"worst: {worst[1].message}", "  ")
        lines += [f"  replay: python -m stepcheck replay {worst[1].token}"]
        parts.append("\n".join(lines))
    for name in dict.fromkeys(name for cell in cells for name in cell.fixed_upstream):
        where = [cell for cell in cells if name in cell.fixed_upstream]
        parts.append(
            "\n".join(_fill(f"fixed upstream: known finding {name} no longer breaks ({_cells(where, cells)})"))
        )
    return "\n\n".join(parts)


def failures(cells: Sequence[CellResult]) -> str:
    """Return every failure that no known finding covers.

    Failures of one law, output and mode are one group: the one with the shortest program in full, the
    others as a message and a replay token each.
    """
    groups: dict[tuple[str, ...], list[tuple[CellResult, Failure]]] = {}
    for cell in cells:
        for entry in cell.failures:
            if not entry.finding:
                output = entry.worst.output if entry.worst else entry.fault
                groups.setdefault((entry.code, output, cell.mode), []).append((cell, entry))
    parts: list[str] = []
    for entries in groups.values():
        cell, shown = min(entries, key=lambda pair: len(pair[1].standalone))
        text = failure(shown, cell.id)
        others = [pair for pair in entries if pair[1] is not shown]
        if others:
            text += f"\n  the same in {len(others)} more:"
            for _, entry in others:
                text += "\n" + "\n".join(_fill(entry.message, "    "))
                text += f"\n      python -m stepcheck replay {entry.token}"
        parts.append(text)
    return "\n\n".join(parts)


def failure(entry: Failure, cell: str) -> str:
    """Return one failure in full."""
    lines = [f"✗ {entry.code} {entry.title}, in {cell}", *_fill(entry.message, "  ")]
    if entry.worst is not None:
        lines += _worst(entry.worst)
    lines += [f"  rule      {entry.rule}"]
    if entry.finding:
        lines += [f"  finding   {entry.finding}", *_fill(entry.explanation, "            ")]
    lines += [f"  script    {shape(entry.script)}", f"  replay    python -m stepcheck replay {entry.token}"]
    lines += ["  standalone script, needs only torch:"]
    lines += [f"    | {line}".rstrip() for line in entry.standalone.rstrip().splitlines()]
    return "\n".join(lines)


def _worst(worst: Worst) -> list[str]:
    inputs = " ".join(f"{name}={value!r}" for name, value in worst.inputs.items())
    return [
        *_fill(f"inputs    {inputs}", "  ", hang=10),
        f"  observed  {worst.observed!r}",
        f"  expected  {worst.expected!r} ± {worst.radius!r}",
        f"  ratio     {ratio(worst.ratio)} radii",
    ]


def shape(script: dict[str, object]) -> str:
    """Return a script's size in words, as in "1 tensor (2, 3), 1 group, 2 steps"."""
    tensors, groups, steps = script["tensors"], script["groups"], script["steps"]
    assert isinstance(tensors, list)
    assert isinstance(groups, list)
    assert isinstance(steps, list)
    shapes = ", ".join(str(tuple(tensor["shape"])) for tensor in tensors[:4]) + (", …" if len(tensors) > 4 else "")
    return f"{_plural(len(tensors), 'tensor')} {shapes}, {_plural(len(groups), 'group')}, {_plural(len(steps), 'step')}"


def _cells(cells: Sequence[CellResult], everything: Sequence[CellResult]) -> str:
    """Return where ``cells`` are, by what they have in common; an axis that they fill is left out."""
    if len(cells) == 1:
        return cells[0].id
    parts = []
    for name in ("configuration", "mode", "dtype", "device"):
        values = list(dict.fromkeys(str(getattr(cell, name)) for cell in cells))
        if set(values) != {str(getattr(cell, name)) for cell in everything}:
            parts.append(values[0] if len(values) == 1 else f"{name}s {'; '.join(values)}")
    return f"{len(cells)} cells: {', '.join(parts)}" if parts else f"{len(cells)} cells"


def _words(verdict: Verdict) -> str:
    return verdict.value.replace("_", " ")


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _row(name: str, text: str) -> list[str]:
    return _fill(text, f"{name:<15}", indented=" " * 15)


def _fill(text: str, indent: str = "", hang: int = 2, indented: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + " " * hang if indented is None else indented,
        break_long_words=False,
        break_on_hyphens=False,
    )
