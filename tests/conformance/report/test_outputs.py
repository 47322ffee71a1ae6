"""Outputs: checked before anything runs, written atomically, and independent of each other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance import certificates
from conformance.command import ROOT, WRONG, environment
from stepcheck import files
from stepcheck.certification.certificate import Certificate, from_json
from stepcheck.certification.request import WrongRequest
from stepcheck.cli.commands import main
from stepcheck.report import markdown
from stepcheck.report.outputs import GITHUB, GITHUB_LIMIT, Outputs, append_step_summary, render, resolve_outputs

ONE = ("--mode", "single", "--dtype", "float32")


@pytest.fixture
def step_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that a GitHub job would show."""
    path = tmp_path / "step-summary"
    monkeypatch.setenv(GITHUB, str(path))
    return path


def bounded(certificate: Certificate, limit: int) -> str:
    return markdown.render(certificate, limit=limit)


def code(*arguments: str) -> int:
    """Run the command line in this process and return its exit code."""
    with pytest.raises(SystemExit) as stop:
        main([*arguments, "--jobs", "1"])
    return int(stop.value.code or 0)


@pytest.mark.usefixtures("shared_fork_server")
def test_one_run_writes_every_report(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    html, md, junit = tmp_path / "new" / "page.html", tmp_path / "summary.md", tmp_path / "junit.xml"
    requested = ("--html", str(html), "--md", str(md), "--junit", str(junit))
    assert code("certify", WRONG, "--as", "adam", *ONE, *requested) == 1
    (laws,) = re.findall(r"broken: ([SC\d, ]+)", " ".join(capsys.readouterr().out.split()))
    broken = laws.split(", ")
    assert "SC101" in broken
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert md.read_text(encoding="utf-8").startswith("## ✗")
    assert ElementTree.parse(junit).getroot().get("failures") == str(len(broken))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "junit.xml",
        "page.html",
        "summary.md",
    ]


@pytest.mark.usefixtures("shared_fork_server")
def test_json_or_another_format_is_printed_instead_of_the_text_where_requested(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def printed_by(*more: str) -> str:
        assert code("certify", "torch.optim.SGD", "--mode", "capturable", *more) == 5
        return capsys.readouterr().out

    printed = printed_by("--json")
    assert from_json(printed).findings.target == "torch.optim.SGD"
    assert printed.endswith("}\n")
    assert not printed.endswith("\n\n")
    assert printed_by("--md", "-").startswith("## –")
    assert ElementTree.fromstring(printed_by("--junit", "-")).tag == "testsuites"


@pytest.mark.parametrize(
    ("requested", "message"),
    [
        ({"json": "-", "md": "-"}, "json and md would be printed, but only one can be"),
        ({"html": "report", "md": "./report"}, "md=report, but html is written there already"),
        ({"html": "."}, "html=., but should be a file that can be written \\(it is a directory\\)"),
        ({"junit": "file/below"}, "junit=file/below, but should be a file that can be written"),
    ],
)
def test_what_cannot_be_written_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requested: dict[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongRequest, match=message):
        resolve_outputs(requested)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_it_is_refused_before_the_optimizer_is_imported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert code("certify", "no.such.thing", "--html", str(tmp_path)) == 2
    message = capsys.readouterr().err
    assert "it is a directory" in message
    assert "no.such.thing" not in message


def test_a_file_that_is_read_only_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("mine")
    monkeypatch.setattr(os, "access", lambda name, mode: False)  # permissions do not bind the superuser
    with pytest.raises(WrongRequest, match="read-only"):
        resolve_outputs({"html": str(path)})


def test_a_file_is_written_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    path.chmod(0o640)
    link = tmp_path / "link.html"
    link.symlink_to(path)
    files.write(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        files.write(path, "newer")
    assert path.read_text() == "new"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.html", "page.html"]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null")
def test_a_device_is_written_to_and_not_replaced() -> None:
    files.check(Path("/dev/null"))
    files.write(Path("/dev/null"), "text")
    assert Path("/dev/null").is_char_device()


def test_the_others_are_written_where_one_cannot_be(tmp_path: Path) -> None:
    html, md = tmp_path / "gone" / "page.html", tmp_path / "summary.md"
    outputs = resolve_outputs({"html": str(html), "md": str(md)})
    html.parent.rmdir()
    html.parent.write_text("in the way")
    with pytest.raises(WrongRequest, match=r"html=.*page\.html, but should be a file that can be written"):
        outputs.write(partial(render, certificate=certificates.BROKEN))
    assert md.read_text(encoding="utf-8") == render("md", certificates.BROKEN)


def test_every_format_is_rendered() -> None:
    for form, start in (("html", "<!DOCTYPE html>"), ("md", "## ✗"), ("junit", "<?xml"), ("json", "{")):
        assert render(form, certificates.BROKEN).startswith(start)


def test_nothing_is_written_where_nothing_is_requested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(GITHUB, raising=False)
    outputs = resolve_outputs({"json": None, "html": None})
    assert outputs == Outputs({})
    outputs.write(partial(render, certificate=certificates.BROKEN))
    assert append_step_summary(partial(bounded, certificates.BROKEN)) == ""
    assert list(tmp_path.iterdir()) == []


def test_the_summary_of_a_github_job_is_appended_to(step_summary: Path) -> None:
    step_summary.write_text("what another command said\n")
    assert append_step_summary(partial(bounded, certificates.HOLDS)) == ""
    assert append_step_summary(partial(bounded, certificates.BROKEN)) == ""
    text = step_summary.read_text(encoding="utf-8")
    assert text == "\n".join(
        ["what another command said\n", render("md", certificates.HOLDS), render("md", certificates.BROKEN)]
    )


def test_the_summary_of_a_github_job_stays_within_the_limit_of_github(step_summary: Path) -> None:
    step_summary.write_text("x" * (GITHUB_LIMIT - 1200))
    assert append_step_summary(partial(bounded, certificates.BROKEN)) == ""
    text = step_summary.read_text(encoding="utf-8")
    assert "**Truncated:**" in text
    assert step_summary.stat().st_size <= GITHUB_LIMIT
    step_summary.write_text("x" * GITHUB_LIMIT)
    assert append_step_summary(partial(bounded, certificates.BROKEN)) == ""
    assert step_summary.stat().st_size == GITHUB_LIMIT


@pytest.mark.usefixtures("shared_fork_server")
def test_a_summary_that_cannot_be_appended_is_a_warning_not_a_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(GITHUB, str(tmp_path / "not" / "there"))
    assert append_step_summary(partial(bounded, certificates.BROKEN)).startswith(GITHUB)
    assert code("certify", "torch.optim.SGD", "--mode", "capturable") == 5
    assert f"stepcheck: {GITHUB}=" in capsys.readouterr().err


def test_an_interrupted_run_keeps_its_results_and_writes_its_reports(tmp_path: Path, step_summary: Path) -> None:
    out, html, junit = tmp_path / "out", tmp_path / "page.html", tmp_path / "junit.xml"
    command = [sys.executable, "-m", "stepcheck", "certify", "torch.optim.SGD"]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--html", str(html), "--junit", str(junit)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 100
    while not list(out.glob("cells/*.json")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 130, error
    assert "interrupted" in output
    certificate = from_json((out / "certificate.json").read_text())
    assert certificate.run.interrupted
    assert certificate.findings.unfinished > 0
    assert certificate.cells
    assert "missing; the verdict covers the remaining cells" in html.read_text(encoding="utf-8")
    assert ElementTree.parse(junit).getroot().get("errors") == "1"
    assert "- interrupted:" in step_summary.read_text(encoding="utf-8")
