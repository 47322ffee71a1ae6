"""A certificate as JUnit XML, for CI systems: a test case a law in each cell.

Known issues are skipped test cases with their explanation, as pytest reports an expected failure: a passed one would
hide them, a failed one would break a build that did not cause them (with ``strict`` they fail). What was not run is
skipped too, with its reason. So "passed" means compared, and inside the envelope.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree

from stepcheck.certification.certificate import CellResult, Certificate, Failure, LawResult
from stepcheck.report.characters import escape_invisible
from stepcheck.report.view.cell_tables import cell_tables
from stepcheck.report.view.summary_rows import answers_of
from stepcheck.report.wording import plural, verdict_name
from stepcheck_properties.laws import ALL
from stepcheck_reference.verdict import MEANINGS, NO_CLAIM, Verdict

_TITLES = {law.code: law.title for law in ALL}
_OUTCOMES = {"failures": "failure", "errors": "error", "skipped": "skipped"}
"""The counts of a suite, and the element that each counts."""


def render(certificate: Certificate, *, strict: bool = False) -> str:
    """Return the document: a suite a class and device, in it a test case a law in each cell that was run."""
    root = ElementTree.Element("testsuites", name="stepcheck")
    for table in cell_tables(certificate.cells):
        cases = [case for cell in table.cells for case in _cases(cell, table.target, strict=strict)]
        _add_suite(root, f"{table.target} {table.device}", certificate, cases)
    if certificate.findings.unfinished or not certificate.cells:
        _add_suite(root, f"{certificate.findings.target} run", certificate, [_unfinished(certificate)])
    for name in ("tests", *_OUTCOMES):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{certificate.run.seconds:.3f}")
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def _add_suite(
    root: ElementTree.Element, name: str, certificate: Certificate, cases: Sequence[ElementTree.Element]
) -> None:
    findings, run = certificate.findings, certificate.run
    suite = ElementTree.SubElement(root, "testsuite", name=escape_invisible(name), id=str(len(root)))
    if run.started:
        suite.set("timestamp", run.started)
    if run.host:
        suite.set("hostname", escape_invisible(run.host))
    properties = ElementTree.SubElement(suite, "properties")
    values: dict[str, object] = {
        "target": findings.target,
        "verdict": findings.verdict.value,
        **{answer.about: answer.text for answer in answers_of(certificate)},
        "profile": findings.profile,
        "seed": findings.seed,
        "strict": str(findings.strict).lower(),
        **({"select": ",".join(findings.select)} if findings.select else {}),
        **({"ignore": ",".join(findings.ignore)} if findings.ignore else {}),
        **{f"set {name}": value for name, value in findings.fixed.items()},
        **{f"version {name}": version for name, version in run.versions.items()},
    }
    for key, value in values.items():
        ElementTree.SubElement(properties, "property", name=escape_invisible(key), value=escape_invisible(str(value)))
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for count, tag in _OUTCOMES.items():
        suite.set(count, str(sum(case.find(tag) is not None for case in cases)))


def _unfinished(certificate: Certificate) -> ElementTree.Element:
    """Return the error of a run that ended early, so that no CI system takes it for a complete one."""
    case = _case(certificate.findings.target, "all cells were checked")
    missing = certificate.findings.unfinished
    message = f"{plural(missing, 'cell')} missing: the run was interrupted" if missing else "no cell to check"
    ElementTree.SubElement(case, "error", type="interrupted" if missing else "nothing", message=message)
    return case


def _cases(cell: CellResult, target: str, *, strict: bool) -> Iterator[ElementTree.Element]:
    """Yield the test cases of ``cell``: one where nothing was run, else one a law that applies to it."""
    laws = [law for law in cell.laws if law.verdict not in NO_CLAIM]
    if not laws:
        case = _case(target, cell.id)
        _skip(case, cell.verdict, cell.reason or MEANINGS[cell.verdict])
        yield case
    for law in laws:
        case = _case(target, f"{cell.id}: {law.code} {_TITLES.get(law.code, '')}".rstrip())
        if law.verdict is Verdict.BROKEN or (strict and law.verdict is Verdict.EXPECTED_BROKEN):
            _fail(case, law, cell)
        elif law.verdict is Verdict.EXPECTED_BROKEN:
            names = dict.fromkeys(failure.known_issue for failure in law.failures if failure.known_issue)
            message = f"known issue {', '.join(names)}" if names else MEANINGS[law.verdict]
            _skip(case, law.verdict, message, _failures(law))
        elif law.verdict is not Verdict.HOLDS:
            _skip(case, law.verdict, cell.reason or MEANINGS[law.verdict])
        yield case


def _case(target: str, name: str) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=escape_invisible(target), name=escape_invisible(name))


def _skip(case: ElementTree.Element, verdict: Verdict, message: str, text: str = "") -> None:
    skipped = ElementTree.SubElement(case, "skipped", type=f"stepcheck.{verdict.value}")
    skipped.set("message", escape_invisible(f"{verdict_name(verdict)}: {message}"))
    skipped.text = escape_invisible(text) or None


def _fail(case: ElementTree.Element, law: LawResult, cell: CellResult) -> None:
    message = law.failures[0].message if law.failures else cell.reason or MEANINGS[law.verdict]
    if law.failures and (cause := law.failures[0].follows_from):
        message = f"follows from {cause}: {message}"
    more = len(law.failures) - 1
    message = f"{message} (and {more} more)" if more > 0 else message
    failed = ElementTree.SubElement(case, "failure", type=law.code, message=escape_invisible(message))
    failed.text = escape_invisible(_failures(law))


def _failures(law: LawResult) -> str:
    return "\n\n".join(map(_failure, law.failures))


def _failure(failure: Failure) -> str:
    lines = [f"{failure.code} {failure.title}", failure.message]
    if failure.explanation:
        lines.append(f"known issue {failure.known_issue}: {failure.explanation}")
    lines += [f"replay: python -m stepcheck replay {failure.token}", "", failure.standalone.rstrip("\n")]
    return "\n".join(lines)
