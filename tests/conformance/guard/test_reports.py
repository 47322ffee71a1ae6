"""What a check found, as text, JSON and Markdown; and the command line that prints it."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conformance.guard.altered import alter, with_tensor
from conformance.guard.conftest import FEW
from stepcheck.cli.commands import main
from stepcheck.guard.baselines.baseline import load
from stepcheck.guard.check_baseline import Checked
from stepcheck.guard.comparison.difference import CHANGES, Change, Difference, Point, difference, worst
from stepcheck.guard.comparison.grouped import alike, where
from stepcheck.guard.corpus.spec import CHECKPOINT, SCHEDULE, STEPS, SURFACE
from stepcheck.report.guard import check_json, check_markdown, check_text
from stepcheck.report.progress import counting

OLD = {
    "torch": "2.6.0",
    "python": "3.11.7",
    "numpy": "2.4.6",
    "platform": "Linux-x86_64",
    "capability": "AVX512",
    "devices": ["cpu"],
    "device_names": {"cpu": "x86_64"},
}
NEW = {**OLD, "torch": "2.13.0"}

OUT = Point(Change.CHANGED, "bulk: theta of p0[1] is 2.0, and was 1.0: leaves the envelope", "leaves the envelope",
            law="SC101", ulps=8388608.0, radii=1.5e6)  # fmt: skip
IN = Point(Change.ROUNDING, "bulk: theta of p0[1] is 2.0, and was 1.0", "moved within the envelope", law="SC101",
           ulps=1.0, radii=0.75)  # fmt: skip
SAYS = Point(Change.CHANGED, "warns now: UserWarning: soon", api=True)
UNKNOWN = Point(Change.CHANGED, "ordinary: moved, and there is no rule", "moved, and there is no rule", ulps=math.inf,
                radii=math.nan)  # fmt: skip


def cell(name: str, points: Sequence[Point] = (), kind: str = STEPS, accepted: str = "") -> Difference:
    module = "torch.optim.lr_scheduler" if kind == SCHEDULE else "torch.optim"
    made = difference(name, kind, f"{module}.{re.split(r'[ [,]', name)[0]}", points, 1000, len(points))
    return Difference(
        made.cell, made.kind, made.target, made.change, made.points, made.reals, made.moved, accepted=accepted
    )


def checked(*cells: Difference) -> Checked:
    return Checked(OLD, NEW, cells)


def test_a_cell_is_of_the_class_of_its_worst_point() -> None:
    assert worst(()) is Change.IDENTICAL
    assert worst((Change.ROUNDING, Change.NEW)) is Change.NEW
    assert cell("A[d] single float32 cpu", [IN, OUT]).change is Change.CHANGED
    assert cell("A[d] single float32 cpu", [IN]).change is Change.ROUNDING
    assert set(CHANGES) == set(Change)


def test_numbers_come_before_words_and_the_worst_before_others() -> None:
    found = cell("A[d] single float32 cpu", [IN, SAYS, OUT])
    assert found.points == (OUT, SAYS, IN)
    assert (found.ulps, found.radii, found.api) == (8388608.0, 1.5e6, True)


def test_a_distance_without_an_envelope_has_no_radii() -> None:
    found = cell("A[d] single float32 cpu", [UNKNOWN])
    assert (found.ulps, found.radii) == (math.inf, 0.0)


def test_what_many_cells_have_in_common_is_told_once_with_the_worst() -> None:
    further = Point(OUT.change, OUT.what, OUT.way, law=OUT.law, ulps=2.0, radii=9e9)
    cells = [cell(f"A[d] {mode} float32 cpu", [OUT]) for mode in ("single", "foreach")]
    cells.append(cell("A[d] fused float32 cpu", [further]))
    (group,) = alike(cells)
    assert group.worst is cells[2]
    assert group.where == "3 cells of A (d; single, foreach, fused; float32; cpu)"


def test_a_cell_that_differs_in_one_way_at_several_places_counts_once() -> None:
    again = Point(OUT.change, OUT.what.replace("p0", "p1"), OUT.way, law=OUT.law, ulps=2.0, radii=9e9)
    (group,) = alike([cell("A[d] single float32 cpu", [OUT, again]), cell("A[d] fused float32 cpu", [OUT])])
    assert [entry.cell for entry in group.cells] == ["A[d] single float32 cpu", "A[d] fused float32 cpu"]
    assert group.point is again


def test_steps_and_checkpoints_and_classes_are_told_apart() -> None:
    cells = [
        cell("A[d] single float32 cpu", [OUT]),
        cell("A[d] single float32 cpu checkpoint", [OUT], CHECKPOINT),
        cell("B[d] single float32 cpu", [OUT]),
    ]
    assert len(alike(cells)) == 3


def test_cells_are_told_by_what_they_have_in_common() -> None:
    assert where([cell("A[d] single float32 cpu")]) == "A[d] single float32 cpu"
    several = [cell(f"A[c{n}] single float32 cpu") for n in range(4)]
    assert where(several) == "4 cells of A (single; float32; cpu)"
    assert where([cell("StepLR, rising schedule"), cell("A api")]) == "2 cells, as StepLR, rising schedule"
    assert where(several[:2], "checkpoints") == "2 checkpoints of A (c0, c1; single; float32; cpu)"


def test_what_was_accepted_is_not_told_as_a_difference() -> None:
    entry = cell("A[d] single float32 cpu", [OUT], accepted="because (2026-01-01, torch 2.6.0)")
    assert alike([entry]) == []
    text = check_text.report(checked(entry), ("changed",))
    assert "leaves the envelope" not in text
    assert "accepted: A[d] single float32 cpu: because (2026-01-01, torch 2.6.0)" in text
    assert "exit code  0" in text


def test_the_whole_text_of_a_small_check() -> None:
    found = checked(
        cell("Adam[default] single float32 cpu", [OUT]),
        cell("Adam[default] foreach float32 cpu", [IN]),
        cell("Adam api", [SAYS], SURFACE),
        cell("SGD[plain] single float32 cpu"),
        cell("SGD api", [Point(Change.GONE, "refused: no such name", api=True)], SURFACE),
        cell("StepLR, rising schedule", [], SCHEDULE),
    )
    assert check_text.report(found, ("changed",)) == (
        """\
recorded under  torch 2.6.0, python 3.11.7, numpy 2.4.6, cpu x86_64 AVX512
checked under   torch 2.13.0, python 3.11.7, numpy 2.4.6, cpu x86_64 AVX512

cells       identical  rounding  changed  gone
──────────────────────────────────────────────
Adam                ·         1        2     ·
SGD                 1         ·        ·     1
schedules           1         ·        ·     ·
everything          2         1        2     1

✓ identical: every number has the same bits, and all else is the same
≈ rounding: numbers moved, and stay inside the envelope of the rule
✗ changed: a number left the envelope or has none, or states, errors, warnings or the API differ
− gone: it is no longer there, or is refused

SGD
  − SGD api: refused: no such name

Adam
  ✗ Adam[default] single float32 cpu: SC101 leaves the envelope
    bulk: theta of p0[1] is 2.0, and was 1.0 (8.4e6 ulp, 1.5e6 radii)
  ✗ Adam api: warns now: UserWarning: soon
  ≈ Adam[default] foreach float32 cpu: SC101 moved within the envelope
    bulk: theta of p0[1] is 2.0, and was 1.0 (1 ulp, 0.750 radii)

compared   6 000 numbers, of which 4 moved
fails on   changed: 3 cells fail
exit code  1"""
    )


def test_another_machine_is_warned_of_where_numbers_moved() -> None:
    other = {**NEW, "capability": "DEFAULT"}
    moving = cell("A[d] single float32 cpu", [IN])
    text = " ".join(check_text.report(Checked(OLD, other, (moving,)), ("changed",)).split())
    assert "the machines differ in their vector instructions: what moved within rounding may come from that" in text
    unmoved = Checked(OLD, other, (cell("A api", [], SURFACE),))
    assert "the machines differ" not in check_text.report(unmoved, ("changed",))
    assert "the machines differ" not in check_text.report(checked(moving), ("changed",))
    kernel = {**NEW, "platform": "Linux-6.2-x86_64-with-glibc2.36"}
    known = {**OLD, "platform": "Linux-6.1-x86_64-with-glibc2.36"}
    assert "the machines differ" not in check_text.report(Checked(known, kernel, (moving,)), ("changed",))


def test_many_ways_are_cut_short_unless_all_are_asked_for() -> None:
    points = [Point(Change.CHANGED, f"way {number}", api=True) for number in range(12)]
    found = checked(cell("A api", points, SURFACE))
    text = check_text.report(found, ("changed",))
    assert "way 7" in text
    assert "way 8" not in text
    assert "and 4 more ways in which it differs; --verbose tells them" in text
    assert "way 11" in check_text.report(found, ("changed",), verbose=True)


def test_nothing_compared_is_said() -> None:
    text = check_text.report(checked(), ("changed",))
    assert "compared   0 numbers" in text
    assert "exit code  5" in text


def test_json_holds_everything_and_no_number_that_json_has_not() -> None:
    found = checked(
        cell("A[d] single float32 cpu", [OUT, UNKNOWN, SAYS]), cell("A[d] foreach float32 cpu"),
        cell("A[d] fused float32 cpu", [IN], accepted="because"),
    )  # fmt: skip
    raw = json.loads(check_json.text(found, ("api",)), parse_constant=pytest.fail)
    assert (raw["recorded"], raw["checked"], raw["fail_on"], raw["exit_code"]) == (OLD, NEW, ["api"], 1)
    assert raw["identical"] == ["A[d] foreach float32 cpu"]
    first, second = raw["cells"]
    assert (first["change"], first["fails"], first["reals"], first["moved"]) == ("changed", True, 1000, 3)
    assert {(point["ulps"], point["radii"]) for point in first["points"]} >= {("inf", "nan"), (8388608.0, 1.5e6)}
    assert (second["accepted"], second["fails"]) == ("because", False)


NASTY = "</summary><script>alert(1)</script> | a | [b](javascript:c) `d` **e** \x1b[31m\u202e"


def test_markdown_holds_no_markup_of_others() -> None:
    made = Difference(
        f"{NASTY} api", SURFACE, NASTY, Change.CHANGED, (Point(Change.CHANGED, NASTY, api=True), OUT), 1, 1
    )
    reasoned = Difference("A api", SURFACE, NASTY, Change.CHANGED, (SAYS,), accepted=NASTY)
    text = check_markdown.summary(checked(made, reasoned), ("changed",))
    assert "<script>" not in text
    assert "](javascript" not in text.replace("\\]", "")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "**e**" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_markdown_says_what_text_says() -> None:
    found = checked(cell("Adam[default] single float32 cpu", [OUT]), cell("SGD[plain] single float32 cpu"))
    text = check_markdown.summary(found, ("changed",))
    assert text.startswith("## ✗ torch 2.6.0 → 2.13.0: 1 cell fails\n")
    assert "| Adam | · | 1 |" in text
    assert "| SGD | 1 | · |" in text
    assert r"- ✗ Adam\[default\] single float32 cpu: SC101 leaves the envelope" in text
    assert "(8.4e6 ulp, 1.5e6 radii)" in text
    well = check_markdown.summary(checked(cell("SGD[plain] single float32 cpu")), ("changed",))
    assert well.startswith("## ✓ torch 2.6.0 → 2.13.0: nothing fails\n")


def test_markdown_keeps_to_its_limit() -> None:
    cells = [
        cell(f"A{n}[d] single float32 cpu", [Point(Change.CHANGED, f"way {k} of {n}", api=True) for k in range(20)])
        for n in range(30)
    ]
    whole = check_markdown.summary(checked(*cells), ("changed",))
    assert "and 8 more ways in which it differs" in whole
    for limit in (len(whole.encode()), 4000, 300, 10, 0):
        assert len(check_markdown.summary(checked(*cells), ("changed",), limit=limit).encode()) <= limit


def test_progress_tells_quarters_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("recording") as progress:
        progress(0, 8, "")
        for number in range(1, 9):
            progress(number, 8, f"cell {number}")
    assert capsys.readouterr().err.splitlines() == [
        f"stepcheck: recording: {number} of 8 cells" for number in (2, 4, 6, 8)
    ]


def test_progress_of_nothing_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with counting("checking") as progress:
        progress(0, 0, "")
    assert capsys.readouterr().err == ""


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with counting("recording") as progress:
        progress(0, 2, "")
        progress(2, 2, "cell 2")
    assert "stepcheck:" not in capsys.readouterr().err


# The command line.


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stop:
        main(["guard", *arguments])
    said = capsys.readouterr()
    return int(str(stop.value.code)), said.out, said.err


@pytest.fixture
def changed(warm: None, baseline: Path) -> Path:
    """A baseline in which one cell did something else."""
    alter(
        baseline,
        "Adadelta[default] single float32 cpu",
        lambda recording: with_tensor(recording, "zero_rate/theta.f", lambda values: values + 1),
    )
    return baseline


@pytest.mark.usefixtures("warm")
def test_the_command_records_and_says_what_and_how_much(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["record", str(tmp_path / "made"), "--mode", "single", "--dtype", "float32", "--jobs", "1"]
    for target, _ in FEW.targets:
        arguments += ["--target", target]
    code, out, err = run(capsys, *arguments)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("recorded  torch 2.")
    assert lines[1] == "cells     6 of steps, 4 of checkpoints, 2 of what classes offer"
    assert re.fullmatch(
        rf"wrote     {re.escape(str(tmp_path / 'made'))}, 0\.\d MB; check it with: stepcheck guard check .*made",
        lines[2],
    )
    assert err.splitlines()[-1] == "stepcheck: recording: 12 of 12 cells"
    code, _, err = run(capsys, *arguments)
    assert (code, "--force" in err) == (2, True)
    assert run(capsys, *arguments, "--force")[0] == 0


def test_the_command_checks_and_prints_the_report(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", str(changed), "--jobs", "1")
    assert code == 1
    torch = load(changed).torch
    first = rf"recorded under  torch {re.escape(torch)}, python .*, numpy .*, cpu .*"
    assert re.fullmatch(first, out.splitlines()[0])
    assert out.partition("\n\n")[2].startswith(
        """\
cells       identical  changed
──────────────────────────────
Adadelta            6        1
Adafactor           5        ·
everything         11        1

✓ identical: every number has the same bits, and all else is the same
✗ changed: a number left the envelope or has none, or states, errors, warnings or the API differ

Adadelta
  ✗ Adadelta[default] single float32 cpu: SC101 """
    )
    assert out.endswith("fails on   changed: 1 cell fails\nexit code  1\n")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--only", "Adafactor*"], 0),
        (["--fail-on", "api"], 0),
        (["--fail-on", "api,rounding"], 1),
        (["--fail-on", "rounding", "--fail-on", "api"], 1),
        (["--only", "AdamW*"], 2),
        (["--fail-on", "rouding"], 2),
        (["--accept", "Adadelta*"], 2),
        (["--accept", "Adadelta*", "--reason", "so be it"], 0),
        (["--torch", "2.6.0", "--python", "x"], 2),
        (["--python", "nowhere"], 2),
        (["--shard", "3/2"], 2),
        (["--json", "--md", "-"], 2),
    ],
)
def test_exit_codes(changed: Path, capsys: pytest.CaptureFixture[str], options: list[str], code: int) -> None:
    found, out, err = run(capsys, "check", str(changed), "--jobs", "1", *options)
    assert found == code, err
    assert (out == "") == (code == 2)
    if code == 2:
        assert err.splitlines()[-1].startswith("stepcheck: ")
        assert "Traceback" not in err


def test_a_wrong_policy_is_told_with_the_nearest(changed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, "check", str(changed), "--fail-on", "rouding")
    assert err == ("stepcheck: fail-on=rouding, but should be one of changed, rounding, api (did you mean rounding?)\n")


def test_json_and_markdown_are_printed_and_written(
    changed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page.md"))
    code, out, _ = run(capsys, "check", str(changed), "--json", "--md", str(tmp_path / "summary.md"))
    assert (code, json.loads(out)["exit_code"]) == (1, 1)
    assert (tmp_path / "summary.md").read_text("utf-8").startswith("## ✗ torch ")
    assert (tmp_path / "page.md").read_text("utf-8") == (tmp_path / "summary.md").read_text("utf-8")


def test_a_baseline_that_is_not_there_is_a_wrong_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", str(tmp_path / "nowhere"))
    assert (code, out) == (2, "")
    assert "but should be a directory that `stepcheck guard record` made" in err


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--target", "torch.optim.Nope"],
        ["--mode", "slow"],
        ["--dtype", "float8"],
        ["--device", "abacus"],
        ["--target", "torch.optim.AdamW=nope"],
    ],
)
def test_what_cannot_be_recorded_is_a_wrong_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, err = run(capsys, "record", str(tmp_path / "made"), *arguments)
    assert (code, out) == (2, ""), err
    assert err.startswith("stepcheck: ")
    assert not (tmp_path / "made" / "manifest.json").exists()
