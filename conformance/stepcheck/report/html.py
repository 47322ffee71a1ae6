"""A certificate as one HTML page that needs nothing outside itself: no network, no fonts, no other files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.report import figures
from stepcheck.report.characters import escape_invisible
from stepcheck.report.failure_groups import excess, known, new, output, shown
from stepcheck.report.grid import Grid, grids
from stepcheck.report.script_lines import lines
from stepcheck.report.text import Row, mark, summary_rows
from stepcheck.report.wording import MARKS, describe_cells, error_size, format_ratio, plural, thousands, verdict_name
from stepcheck_reference.verdict import MEANINGS, Verdict, overall


@dataclass(frozen=True, slots=True)
class Part:
    """One class on one device: its grid, its verdict, and the spread of its ratios, in all and by output and dtype."""

    anchor: str
    grid: Grid
    verdict: Verdict
    rule: str
    worst: float
    spread: Markup
    outputs: tuple[tuple[str, tuple[Markup, ...]], ...]


def render(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the whole page; ``strict`` says that known findings count as failures."""
    every = shown(certificate.cells)
    anchors = {id(entry.failure): entry.anchor for entry in every}
    style, script = _source("page.css"), _source("page.js")
    template = _environment().get_template("page.html.j2")
    whole = template.render(
        certificate=certificate,
        found=certificate.findings,
        run=certificate.run,
        parts=_parts(certificate),
        new=new(every),
        known=known(every),
        fixed=_fixed(certificate.cells),
        link=lambda cell: next((anchors[id(entry)] for entry in cell.failures), ""),
        rows=_rows(certificate, strict=strict),
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:",
        style=Markup(style),
        script=Markup(script),
        seen=[verdict for verdict in MARKS if any(cell.verdict is verdict for cell in certificate.cells)],
    )
    return escape_invisible(whole)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("stepcheck.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        MARKS=MARKS, MEANINGS=MEANINGS, Verdict=Verdict, course=figures.course, lines=lines, plural=plural
    )
    environment.filters.update(
        count=thousands,
        excess=excess,
        mark=_mark,
        output=output,
        ratio=format_ratio,
        size=error_size,
        spread=_spread,
        tally=_tally,
        words=verdict_name,
    )
    environment.globals["places"] = describe_cells
    return environment


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(text: str) -> str:
    """Return the source expression that allows exactly ``text`` inline, and nothing that a message smuggles in."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _parts(certificate: Certificate) -> list[Part]:
    parts = []
    for number, grid in enumerate(grids(certificate.cells), 1):
        cells = grid.cells
        rules = list(dict.fromkeys(cell.rule for cell in cells if cell.rule))
        names = figures.names({name: () for cell in cells for name in cell.ratios})
        parts.append(
            Part(
                anchor=f"class-{number}",
                grid=grid,
                verdict=overall(cell.verdict for cell in cells),
                rule=rules[0] if len(rules) == 1 else plural(len(rules), "rule"),
                worst=max((cell.ratio for cell in cells if cell.worst), default=float("nan")),
                spread=figures.spread(
                    figures.total(part for cell in cells for part in cell.ratios.values()), grid.target
                ),
                outputs=tuple((name, _column(name, grid)) for name in names),
            )
        )
    return parts


def _column(name: str, grid: Grid) -> tuple[Markup, ...]:
    """Return the spread of one output's ratios in each dtype, over all configurations and modes."""
    entries = []
    for dtype in grid.dtypes:
        counts = figures.total(cell.ratios[name] for cell in grid.cells if cell.dtype == dtype and name in cell.ratios)
        entries.append(figures.spread(counts, f"{name} in {dtype}"))
    return tuple(entries)


def _spread(cell: CellResult) -> Markup:
    return figures.spread(figures.total(cell.ratios.values()), cell.id)


def _mark(cell: CellResult) -> str:
    """Return what the mark says beside its sign: a ratio, the kind of a fault, a law's code, or nothing."""
    return mark(cell).partition(" ")[2]


def _tally(cells: Iterable[CellResult]) -> list[tuple[Verdict, int]]:
    counts = dict.fromkeys(MARKS, 0)
    for cell in cells:
        counts[cell.verdict] += 1
    return [(verdict, number) for verdict, number in counts.items() if number]


def _fixed(cells: Sequence[CellResult]) -> list[tuple[str, str]]:
    """Return the known findings that no longer break, and where."""
    names = dict.fromkeys(name for cell in cells for name in cell.fixed_upstream)
    return [(name, describe_cells([cell for cell in cells if name in cell.fixed_upstream], cells)) for name in names]


def _rows(certificate: Certificate, *, strict: bool) -> list[tuple[str, list[str]]]:
    """Return what the certificate rests on; a library's rules stand at its classes, each with its own arithmetic."""
    rows = _joined(summary_rows(certificate, strict=strict))
    if not certificate.of_library:
        return rows
    where: dict[tuple[str, str], list[CellResult]] = {}
    for cell in certificate.cells:
        if cell.arithmetic:
            where.setdefault((cell.arithmetic, cell.arithmetic_source), []).append(cell)
    told = [f"{name}: {source} ({describe_cells(cells, certificate.cells)})" for (name, source), cells in where.items()]
    kept = [(name, told if name == "arithmetic" else texts) for name, texts in rows]
    return [entry for entry in kept if entry[0] != "rule"]


def _joined(rows: Iterable[Row]) -> list[tuple[str, list[str]]]:
    """Return rows with those that go on under the name they go on from; the verdict stands at the top of the page."""
    joined: list[tuple[str, list[str]]] = []
    for name, text in rows:
        if name:
            joined.append((name, [text]))
        else:
            joined[-1][1].append(text)
    return [entry for entry in joined if entry[0] != "verdict"]
