"""A certificate as one HTML page that needs nothing outside itself: no network, no fonts, no other files."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.report.characters import escape_invisible
from stepcheck.report.failure_text import DEPENDS
from stepcheck.report.figures.ratio_histogram import outputs_of, ratio_histogram, total
from stepcheck.report.figures.trace_figure import trace_figure
from stepcheck.report.script_lines import script_lines
from stepcheck.report.view.cell_tables import CellTable, cell_tables, tally
from stepcheck.report.view.failure_groups import failures, fixed_issues, known_issues, occurrences
from stepcheck.report.view.marks import mark
from stepcheck.report.view.summary_rows import answers_of, summary_rows
from stepcheck.report.wording import MARKS, plural, thousands, verdict_name
from stepcheck_reference.verdict import MEANINGS, Verdict


@dataclass(frozen=True, slots=True)
class Section:
    """One class on one device: its table, its rule, and the histogram of its ratios, in all and by output and dtype."""

    anchor: str
    table: CellTable
    rule: str
    histogram: Markup
    outputs: tuple[tuple[str, tuple[Markup, ...]], ...]


def render(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the whole page; ``strict`` says whether known issues count as failures."""
    cells = certificate.cells
    anchors: dict[tuple[str, str], str] = {}
    for entry in occurrences(cells):
        anchors.setdefault((entry.cell.target, entry.cell.id), entry.anchor)
    style, script = _source("page.css"), _source("page.js")
    template = _environment().get_template("page.html.j2")
    page = template.render(
        certificate=certificate,
        answers=answers_of(certificate),
        findings=certificate.findings,
        run=certificate.run,
        sections=[_section(number, table) for number, table in enumerate(cell_tables(cells), 1)],
        failures=failures(cells),
        known_issues=known_issues(cells),
        fixed_issues=fixed_issues(cells),
        anchor_of=lambda cell: anchors.get((cell.target, cell.id), ""),
        rows=[row for row in summary_rows(certificate, strict=strict) if row.name != "verdict"],  # it is the heading
        policy=f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:",
        style=Markup(style),
        script=Markup(script),
    )
    return escape_invisible(page)


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
        depends=DEPENDS,
        MARKS=MARKS,
        MEANINGS=MEANINGS,
        Verdict=Verdict,
        plural=plural,
        script_lines=script_lines,
        trace_figure=trace_figure,
    )
    environment.filters.update(
        histogram=_histogram,
        mark=lambda cell: mark(cell).partition(" ")[2],
        tally=tally,
        thousands=thousands,
        verdict_name=verdict_name,
    )
    return environment


def _source(name: str) -> str:
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(text: str) -> str:
    """Return the source expression that allows exactly ``text`` inline, and no script injected by a message."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _section(number: int, table: CellTable) -> Section:
    rules = list(dict.fromkeys(cell.rule for cell in table.cells if cell.rule))
    ratios = [counts for cell in table.cells for counts in cell.ratios.values()]
    return Section(
        anchor=f"class-{number}",
        table=table,
        rule=rules[0] if len(rules) == 1 else plural(len(rules), "rule"),
        histogram=ratio_histogram(total(ratios), table.target),
        outputs=tuple((output, _histograms(output, table)) for output in outputs_of(table.cells)),
    )


def _histograms(output: str, table: CellTable) -> tuple[Markup, ...]:
    """Return the histogram of one output's ratios in each dtype, over all configurations and modes."""
    return tuple(
        ratio_histogram(
            total(cell.ratios[output] for cell in table.cells if cell.dtype == dtype and output in cell.ratios),
            f"{output} in {dtype}",
        )
        for dtype in table.dtypes
    )


def _histogram(cell: CellResult) -> Markup:
    return ratio_histogram(total(cell.ratios.values()), cell.id)
