"""A certificate as a compact Markdown summary, as a pull request or the summary of a GitHub job shows it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from stepcheck.certification.certificate import CellResult, Certificate, Failure
from stepcheck.report.characters import escape_invisible
from stepcheck.report.failure_groups import Alike, excess, known, new, output, shown
from stepcheck.report.grid import Grid, grids
from stepcheck.report.text import mark, verdict_rows
from stepcheck.report.wording import MARKS, describe_cells, error_size, format_ratio, plural, thousands, verdict_name
from stepcheck_reference.verdict import MEANINGS, Verdict, overall

_SPECIAL = re.compile(r"[\\`*_{}\[\]|~$]|^[-+=#]|^\d+[.)](?=\s)")
_OTHERS = 20
"""How many more places of one failure are named one by one."""


def render(certificate: Certificate, *, limit: int | None = None) -> str:
    """Return the summary, of at most ``limit`` bytes in UTF-8 where one is given.

    What does not fit is left out whole, and a sentence at the end says so.
    """
    parts = [_head(certificate), *_tables(certificate)]
    every = shown(certificate.cells)
    entries = [_failure(group, certificate) for group in new(every)]
    if entries:
        parts += ["### Failures", *entries]
    findings = [_finding(group, certificate) for group in known(every)] + _fixed(certificate)
    if findings:
        parts += ["### Known findings", *findings]
    return join_within([escape_invisible(part) for part in parts], limit)


def join_within(parts: list[str], limit: int | None) -> str:
    """Return ``parts`` as one text of at most ``limit`` bytes in UTF-8, those that do not fit left out whole."""
    whole = "\n\n".join(parts) + "\n"
    if limit is None or len(whole.encode()) <= limit:
        return whole
    kept: list[str] = []
    room = limit - len(_cut(len(parts)).encode())
    for part in parts:
        length = len(part.encode()) + 2
        if length <= room:
            kept.append(part)
            room -= length
    told = _cut(len(parts) - len(kept))
    text = "\n\n".join([*kept, told]) if kept else told
    return text if len(text.encode()) <= limit else ""


def _cut(missing: int) -> str:
    return f"**Cut here:** {plural(missing, 'part')} did not fit. `--md`, `--html` and `--out` hold everything.\n"


def _head(certificate: Certificate) -> str:
    found, run = certificate.findings, certificate.run
    steps = sum(cell.element_steps for cell in certificate.cells)
    scripts = sum(cell.scripts for cell in certificate.cells)
    versions = [f"{name} {version}" for name, version in run.versions.items() if name in ("stepcheck", "torch")]
    ran = ", ".join([f"{run.seconds:.1f} s", f"profile {found.profile}", f"seed {found.seed}", *versions])
    meaning = MEANINGS[found.verdict]
    return "\n".join(
        [
            f"## {MARKS[found.verdict]} {_code(found.target)}: {verdict_name(found.verdict)}",
            "",
            f"{meaning[0].upper()}{meaning[1:]}.",
            "",
            *(f"- {name}: {escape(text)}" for name, text in verdict_rows(certificate)[1:]),
            f"- compared: {thousands(certificate.compared)} of {thousands(steps)} element-steps "
            f"in {plural(scripts, 'script')}",
            f"- run: {escape(ran)}",
        ]
    )


def _tables(certificate: Certificate) -> list[str]:
    parts = grids(certificate.cells)
    if len(parts) == 1:
        return [_table(parts[0])]
    rows = ["| class | verdict | worst ratio | cells |", "|---|---|---|---|"]
    for grid in parts:
        verdict = overall(cell.verdict for cell in grid.cells)
        worst = max((cell.ratio for cell in grid.cells if cell.worst), default=None)
        rows.append(
            f"| {escape(f'{grid.target} {grid.device}')} | {MARKS[verdict]} {verdict_name(verdict)} "
            f"| {format_ratio(worst) if worst is not None else ''} | {_tally(grid.cells)} |"
        )
    tables = [_folded(html.escape(f"{grid.target} {grid.device}"), _table(grid)) for grid in parts]
    return ["\n".join(rows), *tables]


def _table(grid: Grid) -> str:
    rows = [
        f"| {escape(grid.device)} | | {' | '.join(grid.dtypes)} |",
        "|---|---|" + "---|" * len(grid.dtypes),
    ]
    before = ""
    for row in grid.rows:
        held = f"{row.configuration}: {row.rule}" if row.rule else row.configuration
        name = escape(held) if held != before else ""
        before = held
        entries = " | ".join(escape(mark(cell)) if cell else "" for cell in row.cells)
        rows.append(f"| {name} | {row.mode} | {entries} |")
    return "\n".join(rows)


def _tally(cells: Iterable[CellResult]) -> str:
    counts = dict.fromkeys(MARKS, 0)
    for cell in cells:
        counts[cell.verdict] += 1
    return ", ".join(f"{number} {verdict_name(verdict)}" for verdict, number in counts.items() if number)


def _failure(group: Alike, certificate: Certificate) -> str:
    entry = group.first.failure
    where = describe_cells(group.cells, certificate.cells)
    much = ", ".join(part for part in (output(entry), error_size(entry.worst)) if part)
    head = f"{MARKS[Verdict.BROKEN]} {entry.code} {entry.title}: {much}, in {where}"
    return _folded(html.escape(head), "\n\n".join([_witness(entry), *_others(group)]))


def _finding(group: Alike, certificate: Certificate) -> str:
    entry = group.first.failure
    where = describe_cells(group.cells, certificate.cells)
    head = f"{MARKS[Verdict.EXPECTED_BROKEN]} {entry.known_issue}, in {where}"
    worst = max(group.all, key=lambda one: excess(one.failure)).failure
    return _folded(html.escape(head), "\n\n".join([escape(entry.explanation), _witness(worst)]))


def _fixed(certificate: Certificate) -> list[str]:
    names = dict.fromkeys(name for cell in certificate.cells for name in cell.fixed_upstream)
    return [
        f"Fixed upstream: {_code(name)} no longer breaks in "
        + escape(describe_cells([cell for cell in certificate.cells if name in cell.fixed_upstream], certificate.cells))
        for name in names
    ]


def _witness(entry: Failure) -> str:
    return "\n\n".join(
        [
            escape(entry.message),
            "Again, in a fresh process:",
            _fenced(f"python -m stepcheck replay {entry.token}", "console"),
            "A program that fails by itself:",
            _fenced(entry.standalone.rstrip("\n"), "python"),
        ]
    )


def _others(group: Alike) -> list[str]:
    if not group.others:
        return []
    lines = [f"The same in {plural(len(group.others), 'more place')}:", ""]
    lines += [f"- {escape(one.failure.message)}" for one in group.others[:_OTHERS]]
    if len(group.others) > _OTHERS:
        lines.append(f"- and {thousands(len(group.others) - _OTHERS)} more")
    return ["\n".join(lines)]


def _folded(head: str, inside: str) -> str:
    """Return ``inside`` folded under ``head``, which is HTML."""
    return f"<details><summary>{' '.join(head.split())}</summary>\n\n{inside}\n\n</details>"


def escape(text: str) -> str:
    """Return ``text`` as one line in which nothing is markup, neither Markdown's nor HTML's."""
    line = html.escape(" ".join(text.split()), quote=False)
    return _SPECIAL.sub(lambda found: f"{found[0][:-1]}\\{found[0][-1]}", line)


def _code(text: str) -> str:
    """Return ``text`` as code in a line."""
    inside = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inside)), default=0))
    return f"{fence}{inside}{fence}" if len(fence) == 1 else f"{fence} {inside} {fence}"


def _fenced(text: str, language: str) -> str:
    """Return ``text`` as a block of code, with a fence that it does not hold."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
