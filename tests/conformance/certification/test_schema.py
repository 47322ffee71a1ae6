"""The published schema of certificates."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance import certificates
from conformance.command import ROOT
from stepcheck.certification import certify, schema
from stepcheck.certification.certificate import Certificate
from stepcheck.cli.commands import main

PUBLISHED = ROOT / "docs" / "certificate.schema.json"


def flaws(raw: Any) -> list[str]:
    """Return where ``raw`` leaves the published schema."""
    published = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(published)
    return [error.message for error in Draft202012Validator(published).iter_errors(raw)]


def test_the_published_schema_is_the_one_that_certificates_have() -> None:
    message = "write it again: python -m stepcheck schema > docs/certificate.schema.json"
    assert PUBLISHED.read_text(encoding="utf-8") == schema.to_json(), message


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["schema"])
    assert not stop.value.code
    assert capsys.readouterr().out == schema.to_json()


@pytest.mark.parametrize("name", certificates.ALL)
def test_a_certificate_made_by_hand_keeps_it(name: str) -> None:
    assert flaws(json.loads(certificates.ALL[name].to_json())) == []


@pytest.mark.usefixtures("shared_fork_server")
def test_the_certificate_of_a_run_keeps_it() -> None:
    certificate = certify.certify(
        "tests/planted/rules/adam.py:AdamEpsInsideRoot", rule="adam", modes=["single"], dtypes=["float32"]
    )
    assert certificate.failures[0].trace
    assert sum(certificate.cells[0].ratios["theta"]) > 1000
    assert certificate.run.started
    assert flaws(json.loads(certificate.to_json())) == []


def broken(certificate: Certificate, *path: str | int, value: object) -> Any:
    """Return the JSON of ``certificate`` with one value changed; None takes it out."""
    raw = json.loads(certificate.to_json())
    part = raw
    for name in path[:-1]:
        part = part[name]
    if value is None:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema_version",), 2, "1 was expected"),
        (("verdict",), None, "'verdict' is a required property"),
        (("verdict", "cells", 0, "verdict"), "fine", "'fine' is not one of"),
        (("verdict", "cells", 0, "laws", 0, "failures", 0, "worst", "ratio"), "much", "'ratio': 'much'"),
        (("verdict", "cells", 0, "ratios", "theta"), [0.5], "0.5 is not of type 'integer'"),
        (("run", "seconds"), None, "'seconds' is a required property"),
    ],
)
def test_what_is_no_certificate_breaks_it(path: tuple[str | int, ...], value: object, message: str) -> None:
    (flaw,) = flaws(broken(certificates.BROKEN, *path, value=value))
    assert message in flaw
