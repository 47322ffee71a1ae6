"""A certificate as a compact Markdown summary, for a pull request or the summary of a GitHub job."""

from __future__ import annotations

import html
import re

from stepcheck.certification.certificate import Certificate, Failure
from stepcheck.report.characters import escape_invisible
from stepcheck.report.view.cell_tables import CellTable, cell_tables, tally_text
from stepcheck.report.view.failure_groups import Cause, FailureGroup, FixedIssue, causes, fixed_issues, known_issues
from stepcheck.report.view.marks import mark
from stepcheck.report.view.summary_rows import answers_of, summary_rows
from stepcheck.report.wording import MARKS, plural, thousands, verdict_name
from stepcheck_reference.verdict import MEANINGS, Verdict

_SPECIAL = re.compile(r"[\\`*_{}\[\]|~$]|^[-+=#]|^\d+[.)](?=\s)")
_OTHERS = 20
"""How many more places of one failure are listed."""
_ROWS = ("formula", "it keeps", "interrupted", "cells", "laws", "selected", "ignored", "not checked", "compared", "run")
"""The rows of the summary that are shown."""


def render(certificate: Certificate, *, limit: int | None = None) -> str:
    """Return the summary, of at most ``limit`` bytes in UTF-8 where one is given.

    Parts that do not fit are left out whole, and a sentence at the end says so.
    """
    cells = certificate.cells
    parts = [_head(certificate), *_tables(certificate)]
    if found := causes(cells):
        parts += ["### Failures", *map(_cause, found)]
    if issues := [*map(_known_issue, known_issues(cells)), *map(_fixed_issue, fixed_issues(cells))]:
        parts += ["### Known issues", *issues]
    return join_within([escape_invisible(part) for part in parts], limit)


def join_within(parts: list[str], limit: int | None) -> str:
    """Return ``parts`` as one text of at most ``limit`` bytes in UTF-8; those that do not fit are left out whole."""
    complete = "\n\n".join(parts) + "\n"
    if limit is None or len(complete.encode()) <= limit:
        return complete
    included: list[str] = []
    room = limit - len(_cut(len(parts)).encode())
    for part in parts:
        length = len(part.encode()) + 2
        if length <= room:
            included.append(part)
            room -= length
    notice = _cut(len(parts) - len(included))
    text = "\n\n".join([*included, notice]) if included else notice
    return text if len(text.encode()) <= limit else ""


def _cut(missing: int) -> str:
    return f"**Truncated:** {plural(missing, 'part')} did not fit. `--md`, `--html` and `--out` write everything.\n"


def _head(certificate: Certificate) -> str:
    findings = certificate.findings
    meaning = MEANINGS[findings.verdict]
    rows = {row.name: row.entries for row in summary_rows(certificate)}
    return "\n".join(
        [
            f"## {MARKS[findings.verdict]} {_code(findings.target)}: {verdict_name(findings.verdict)}",
            "",
            f"{meaning[0].upper()}{meaning[1:]}.",
            "",
            *(f"- **{answer.about}:** {escape(answer.text)}" for answer in answers_of(certificate)),
            *(f"- {name}: {escape('; '.join(rows[name]))}" for name in _ROWS if name in rows),
        ]
    )


def _tables(certificate: Certificate) -> list[str]:
    tables = cell_tables(certificate.cells)
    if len(tables) == 1:
        return [_table(tables[0])]
    rows = ["| class | verdict | worst ratio | cells |", "|---|---|---|---|"]
    rows += [
        f"| {escape(f'{table.target} {table.device}')} | {MARKS[table.verdict]} {verdict_name(table.verdict)} "
        f"| {table.worst_ratio} | {tally_text(table.cells)} |"
        for table in tables
    ]
    folded = [_folded(html.escape(f"{table.target} {table.device}"), _table(table)) for table in tables]
    return ["\n".join(rows), *folded]


def _table(table: CellTable) -> str:
    rows = [
        f"| {escape(table.device)} | | {' | '.join(table.dtypes)} |",
        "|---|---|" + "---|" * len(table.dtypes),
    ]
    heading = ""
    for row in table.rows:
        name = "" if row.heading == heading else escape(row.heading)
        heading = row.heading
        entries = " | ".join(escape(mark(cell)) if cell else "" for cell in row.cells)
        rows.append(f"| {name} | {row.mode} | {entries} |")
    return "\n".join(rows)


def _cause(cause: Cause) -> str:
    group, failure = cause.group, cause.first.failure
    laws = ", ".join(code for code, _ in cause.laws)
    following = (
        [f"Also breaks {laws}, which {'follows' if len(cause.laws) == 1 else 'follow'} from it."] if laws else []
    )
    error = ", ".join(filter(None, (group.first.output, group.first.size)))
    head = f"{MARKS[Verdict.BROKEN]} {failure.code} {failure.title}: {error}, in {group.where}"
    return _folded(html.escape(head), "\n\n".join([*following, _witness(failure), *_others(group)]))


def _known_issue(group: FailureGroup) -> str:
    failure = group.first.failure
    head = f"{MARKS[Verdict.EXPECTED_BROKEN]} {failure.known_issue}, in {group.where}"
    return _folded(html.escape(head), f"{escape(failure.explanation)}\n\n{_witness(failure)}")


def _fixed_issue(issue: FixedIssue) -> str:
    return f"Fixed upstream: {_code(issue.name)} no longer occurs in {escape(issue.where)}"


def _witness(failure: Failure) -> str:
    return "\n\n".join(
        [
            escape(failure.message),
            "Replay in a fresh process:",
            _fenced(f"python -m stepcheck replay {failure.token}", "console"),
            f"Standalone program{f' (run by itself, it {failure.standalone_run})' if failure.standalone_run else ''}:",
            _fenced(failure.standalone.rstrip("\n"), "python"),
        ]
    )


def _others(group: FailureGroup) -> list[str]:
    if not group.others:
        return []
    lines = [f"Same failure in {plural(len(group.others), 'more place')}:", ""]
    lines += [f"- {escape(entry.failure.message)}" for entry in group.others[:_OTHERS]]
    if len(group.others) > _OTHERS:
        lines.append(f"- and {thousands(len(group.others) - _OTHERS)} more")
    return ["\n".join(lines)]


def _folded(head: str, inside: str) -> str:
    """Return Markdown ``inside`` in a ``<details>`` element with the summary ``head``, which is HTML."""
    return f"<details><summary>{' '.join(head.split())}</summary>\n\n{inside}\n\n</details>"


def escape(text: str) -> str:
    """Return ``text`` as one line without markup, neither Markdown nor HTML."""
    line = html.escape(" ".join(text.split()), quote=False)
    return _SPECIAL.sub(lambda match: f"{match[0][:-1]}\\{match[0][-1]}", line)


def _code(text: str) -> str:
    """Return ``text`` as inline code."""
    inside = " ".join(text.split())
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", inside)), default=0))
    return f"{fence}{inside}{fence}" if len(fence) == 1 else f"{fence} {inside} {fence}"


def _fenced(text: str, language: str) -> str:
    """Return ``text`` as a block of code, with a fence longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
