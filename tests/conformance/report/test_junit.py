"""JUnit XML: a certificate for CI systems."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from conformance import certificates
from stepcheck.certification.certificate import Certificate
from stepcheck.report.junit import render

CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"skipped", "failure", "error"},
}
"""What may stand in what, of the schemas that Jenkins and Ant publish for these files."""
REQUIRED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "property": {"name", "value"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"message"},
}
OUTCOMES = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def document(certificate: Certificate, *, strict: bool = False) -> ElementTree.Element:
    return ElementTree.fromstring(render(certificate, strict=strict))


def outcomes(root: ElementTree.Element) -> dict[str, str]:
    """Return each test case's outcome by its name."""
    return {case.get("name", ""): next((child.tag for child in case), "passed") for case in root.iter("testcase")}


def flaws(root: ElementTree.Element) -> list[str]:
    """Return where ``root`` leaves the common shape of JUnit files."""
    problems = []
    for element in root.iter():
        inside = {child.tag for child in element}
        problems += [f"{child} in {element.tag}" for child in inside - CHILDREN.get(element.tag, set())]
        missing = REQUIRED.get(element.tag, set()) - set(element.keys())
        problems += [f"{name} of {element.tag} is missing" for name in missing]
        if element.tag == "testcase" and len(element) > 1:
            problems.append("a test case has two outcomes")
        if element.tag == "testsuite":
            tags = [child.tag for child in element]
            if "properties" in tags[1:]:
                problems.append("properties stand behind test cases")
            if int(element.get("tests", "-1")) != tags.count("testcase"):
                problems.append("tests are miscounted")
            for name, tag in OUTCOMES.items():
                if int(element.get(name, "-1")) != sum(case.find(tag) is not None for case in element.iter("testcase")):
                    problems.append(f"{name} are miscounted")
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp", "")):
                problems.append("timestamp is no date and time")
    for name in ("tests", *OUTCOMES):
        if int(root.get(name, "-1")) != sum(int(suite.get(name, "0")) for suite in root):
            problems.append(f"{name} of all suites are miscounted")
    return problems


@pytest.mark.parametrize("name", certificates.ALL)
def test_every_document_has_the_common_shape(name: str) -> None:
    root = document(certificates.ALL[name])
    assert flaws(root) == []
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names) or name == "attacked"
    assert names


def test_a_document_of_another_shape_is_detected() -> None:
    root = document(certificates.BROKEN)
    suite = root[0]
    suite.set("failures", "0")
    ElementTree.SubElement(suite, "properties")
    case = suite.findall("testcase")[0]
    ElementTree.SubElement(case, "skipped")
    ElementTree.SubElement(case, "system-out")
    del case.attrib["classname"]
    assert set(flaws(root)) == {
        "system-out in testcase",
        "classname of testcase is missing",
        "message of skipped is missing",
        "a test case has two outcomes",
        "properties stand behind test cases",
        "failures are miscounted",
        "skipped are miscounted",
        "failures of all suites are miscounted",
    }


def test_a_law_in_a_cell_is_a_test_case() -> None:
    assert outcomes(document(certificates.HOLDS)) == {
        f"Adam[default] single {dtype} cpu: {law}": "passed"
        for dtype in ("float32", "bfloat16")
        for law in ("SC101 parameters lie inside the envelope", "SC102 states lie inside the envelope")
    }


def test_a_broken_law_fails_with_its_message_and_program() -> None:
    root = document(certificates.BROKEN)
    results = outcomes(root)
    assert [name for name, outcome in results.items() if outcome == "failure"] == [
        "Adam[default] single bfloat16 cpu: SC101 parameters lie inside the envelope",
        "Adam[default] single float32 cpu: SC101 parameters lie inside the envelope",
        "Adam[default] single float32 cpu: SC102 states lie inside the envelope",
        "Adam[default] single float64 cpu: SC201 the script runs to its end",
    ]
    failure = certificates.BROKEN.failures[2]
    written = next(root.iter("failure"))
    assert written.get("message") == failure.message
    assert written.get("type") == "SC101"
    for words in (failure.standalone.rstrip(), f"replay: python -m stepcheck replay {failure.token}"):
        assert words in (written.text or "")


def test_several_failures_of_one_law_are_one_outcome_with_all_of_them() -> None:
    one, other = certificates.broken("v"), certificates.broken("m")
    root = document(certificates.certificate(certificates.cell(certificates.Verdict.BROKEN, "float32", one, other)))
    (written,) = root.iter("failure")
    assert (written.get("message") or "").endswith("(and 1 more)")
    assert one.token in (written.text or "")
    assert other.token in (written.text or "")


def test_known_issues_are_skipped_with_their_reason_and_fail_where_strict() -> None:
    name = "Adam[default] single float32 cpu: SC101 parameters lie inside the envelope"
    root = document(certificates.EXPECTED)
    assert outcomes(root)[name] == "skipped"
    skipped = next(case for case in root.iter("testcase") if case.get("name") == name).find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "expected broken: known issue known-gap"
    assert "It is known" in (skipped.text or "")
    assert outcomes(document(certificates.EXPECTED, strict=True))[name] == "failure"


def test_a_cell_that_was_not_run_is_skipped_with_its_reason() -> None:
    messages = {
        case.get("name"): skipped.get("message")
        for case in document(certificates.EXPECTED).iter("testcase")
        if (skipped := case.find("skipped")) is not None
    }
    assert messages["Adam[default] single complex64 cpu"] == "not applicable: no complex tensors"
    assert messages["Adam[default] compiled float64 cpu"] == "not run: ask for it with --mode compiled"


def test_a_vacuous_law_is_no_pass() -> None:
    vacuous = certificates.cell(certificates.Verdict.VACUOUS, "float32", reason="too little was compared")
    laws = tuple(certificates.LawResult(code=law.code, verdict=certificates.Verdict.VACUOUS) for law in vacuous.laws)
    certificate = certificates.certificate(certificates.cell(certificates.Verdict.VACUOUS, "float32", laws=laws))
    assert set(outcomes(document(certificate)).values()) == {"skipped"}


def test_properties_have_the_request_and_the_versions() -> None:
    (suite,) = document(certificates.HOLDS)
    properties = {entry.get("name"): entry.get("value") for entry in suite.iter("property")}
    assert properties["seed"] == "7"
    assert properties["version torch"] == "2.13.0"
    assert properties["verdict"] == "holds"
    assert suite.get("timestamp") == "2025-01-31T12:00:00"


def test_each_class_and_device_is_a_suite() -> None:
    assert [suite.get("name") for suite in document(certificates.LIBRARY)] == [
        "torch.optim.SGD cpu",
        "torch.optim.Adam cpu",
        "torch.optim.Adam cuda:0",
    ]


def test_a_run_that_ended_early_has_an_error_so_that_it_cannot_pass_for_a_complete_one() -> None:
    for certificate, message in ((certificates.INTERRUPTED, "3 cells missing"), (certificates.EMPTY, "no cell")):
        root = document(certificate)
        assert root.get("errors") == "1"
        (error,) = root.iter("error")
        assert message in (error.get("message") or "")


def test_hostile_messages_stay_text_and_nothing_illegal_is_written() -> None:
    text = render(certificates.ATTACKED)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
    message = next(ElementTree.fromstring(text).iter("failure")).get("message") or ""
    assert message.startswith("</script></style><script>")
    assert "\\x00\\x1b[31m\\u202e" in message
