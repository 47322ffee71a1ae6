"""A certificate as JUnit XML, for CI systems: a test case a law in each cell.

Known findings are skipped test cases with their explanation, as pytest writes an expected failure: a passed
one would hide them, a failed one would stop a build that they do not concern (with ``strict`` they fail).
What was not judged is skipped too, with its reason. So "passed" means compared, and inside the envelope.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from stepcheck.certification.certificate import CellResult, Certificate, Failure, LawResult
from stepcheck.report.characters import escape_invisible
from stepcheck.report.grid import Grid, grids
from stepcheck.report.wording import plural, verdict_name
from stepcheck_properties.laws import ALL
from stepcheck_reference.verdict import MEANINGS, NO_CLAIM, Verdict

_TITLES = {law.code: law.title for law in ALL}


def render(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the document: a suite a class and device, in it a test case a law in each cell that was judged."""
    root = ElementTree.Element("testsuites", name="stepcheck")
    parts = grids(certificate.cells)
    for number, grid in enumerate(parts):
        _suite(root, grid, certificate, number, strict=strict)
    if certificate.findings.unfinished or not parts:
        _unfinished(root, certificate)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{certificate.run.seconds:.3f}")
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _suite(root: ElementTree.Element, grid: Grid, certificate: Certificate, number: int, *, strict: bool) -> None:
    suite = ElementTree.SubElement(
        root, "testsuite", name=escape_invisible(f"{grid.target} {grid.device}"), id=str(number)
    )
    _circumstances(suite, certificate)
    for cell in grid.cells:
        for case in _cases(cell, grid.target, strict=strict):
            suite.append(case)
    _count(suite)


def _unfinished(root: ElementTree.Element, certificate: Certificate) -> None:
    """A run that ended early has an error of its own, so that no CI system takes it for a whole one."""
    target = certificate.findings.target
    suite = ElementTree.SubElement(root, "testsuite", name=escape_invisible(f"{target} run"), id=str(len(root)))
    _circumstances(suite, certificate)
    case = ElementTree.SubElement(suite, "testcase", classname=escape_invisible(target), name="every cell is judged")
    missing = certificate.findings.unfinished
    told = f"{plural(missing, 'cell')} missing: the run was interrupted" if missing else "there is no cell to judge"
    ElementTree.SubElement(case, "error", type="interrupted" if missing else "nothing", message=told)
    _count(suite)


def _circumstances(suite: ElementTree.Element, certificate: Certificate) -> None:
    found, run = certificate.findings, certificate.run
    if run.started:
        suite.set("timestamp", run.started)
    if run.host:
        suite.set("hostname", escape_invisible(run.host))
    properties = ElementTree.SubElement(suite, "properties")
    facts: dict[str, object] = {
        "target": found.target,
        "verdict": found.verdict.value,
        "profile": found.profile,
        "seed": found.seed,
        "strict": str(found.strict).lower(),
        **{f"set {name}": value for name, value in found.fixed.items()},
        **{f"version {name}": version for name, version in run.versions.items()},
    }
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=escape_invisible(name), value=escape_invisible(str(value)))


def _count(suite: ElementTree.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))


def _cases(cell: CellResult, target: str, *, strict: bool) -> Iterator[ElementTree.Element]:
    """Yield the test cases of ``cell``: one where nothing was judged, else one a law that applies to it."""
    laws = [law for law in cell.laws if law.verdict not in NO_CLAIM]
    if not laws:
        case = ElementTree.Element("testcase", classname=escape_invisible(target), name=escape_invisible(cell.id))
        _skip(case, cell.verdict, cell.reason or MEANINGS[cell.verdict])
        yield case
    for law in laws:
        name = f"{cell.id}: {law.code} {_TITLES.get(law.code, '')}".rstrip()
        case = ElementTree.Element("testcase", classname=escape_invisible(target), name=escape_invisible(name))
        if law.verdict is Verdict.BROKEN or (strict and law.verdict is Verdict.EXPECTED_BROKEN):
            _fail(case, law, cell)
        elif law.verdict is Verdict.EXPECTED_BROKEN:
            names = dict.fromkeys(failure.known_issue for failure in law.failures if failure.known_issue)
            told = f"known finding {', '.join(names)}" if names else MEANINGS[law.verdict]
            _skip(case, law.verdict, told, _told(law))
        elif law.verdict is not Verdict.HOLDS:
            _skip(case, law.verdict, cell.reason or MEANINGS[law.verdict])
        yield case


def _skip(case: ElementTree.Element, verdict: Verdict, message: str, text: str = "") -> None:
    told = f"{verdict_name(verdict)}: {message}"
    skipped = ElementTree.SubElement(case, "skipped", type=f"stepcheck.{verdict.value}", message=escape_invisible(told))
    skipped.text = escape_invisible(text) or None


def _fail(case: ElementTree.Element, law: LawResult, cell: CellResult) -> None:
    first = law.failures[0].message if law.failures else cell.reason or MEANINGS[law.verdict]
    more = len(law.failures) - 1
    told = f"{first} (and {more} more)" if more > 0 else first
    failed = ElementTree.SubElement(case, "failure", type=law.code, message=escape_invisible(told))
    failed.text = escape_invisible(_told(law))


def _told(law: LawResult) -> str:
    return "\n\n".join(_failure(failure) for failure in law.failures)


def _failure(failure: Failure) -> str:
    lines = [f"{failure.code} {failure.title}", failure.message]
    if failure.explanation:
        lines.append(f"known finding {failure.known_issue}: {failure.explanation}")
    lines += [f"replay: python -m stepcheck replay {failure.token}", "", failure.standalone.rstrip("\n")]
    return "\n".join(lines)
