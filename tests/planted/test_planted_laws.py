"""Laws against planted optimizers: each law catches a wrong one in profile quick, and no right one is caught."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import pytest

import stepcheck
from planted import RIGHT, STATE, THETA, WRONG, Planted, first_of_each_folder, first_of_each_kind
from stepcheck.report.view.hazards import hazard_lines
from stepcheck_properties import profile
from stepcheck_properties.laws import ALL as LAWS
from stepcheck_reference.facts.negative_roots import negative_roots
from stepcheck_reference.rules import find
from torch_python import TorchPython

ROOT = Path(__file__).resolve().parents[2]

REDUCTIONS = 8
"""Runs spent on reducing each failure, a fraction of what profile quick has: enough for a program that can be run."""

LATE = "mechanics/late_steps.py"
"""The file of those that are wrong late; all others are spared the run of a thousand steps."""

PROFILES = profile.ALL


pytestmark = pytest.mark.usefixtures("shared_fork_server")


@functools.cache
def certificate(entry: Planted, *also: str) -> stepcheck.Certificate:
    """Return the certificate of one planted class, in the dtype and the modes that it names.

    A right one is held to every law, a wrong one to those that it is planted for, to the envelopes and to ``also``.
    """
    less = {"reductions": REDUCTIONS} if entry.file == LATE else {"reductions": REDUCTIONS, "longest_run": 2}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile, "ALL", tuple(replace(standard, **less) for standard in PROFILES))
        return stepcheck.certify(
            entry.target,
            rule=entry.claims,
            dtypes=[entry.dtype],
            modes=entry.modes,
            devices=["cpu"],
            jobs=1,
            select=sorted({*entry.breaks, "SC1", *also}) if entry.breaks else (),
        )


def broken(entry: Planted, *also: str) -> dict[str, stepcheck.Failure]:
    """Return the first failure of each law that the class breaks, by code."""
    return {failure.code: failure for failure in reversed(certificate(entry, *also).failures)}


@pytest.mark.parametrize("entry", first_of_each_kind(WRONG), ids=lambda entry: entry.name)
def test_a_wrong_optimizer_breaks_the_law_it_is_planted_for_and_its_witness_fails_by_itself(
    entry: Planted, torch_python: TorchPython, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if entry.hangs:
        request.getfixturevalue("impatient")
    failures = broken(entry)
    assert entry.breaks <= failures.keys(), {code: failure.message for code, failure in failures.items()}
    assert certificate(entry).exit_code() == 1
    assert not any(failure.known_issue for failure in failures.values())
    plain = {cell.verdict for cell in certificate(entry).cells if cell.mode == "single" and cell.scripts}
    assert ("broken" in plain) if entry.mode == "single" else (plain == {"holds"})
    for code in sorted(entry.breaks):
        script = tmp_path / f"{code}.py"
        program = failures[code].standalone
        script.write_text(program.replace("traceback_later(60", "traceback_later(1") if entry.hangs else program)
        done = torch_python.run(script, cwd=ROOT)
        assert done.returncode != 0, script.read_text() + done.stdout
        assert "SyntaxError" not in done.stderr, script.read_text() + done.stderr


@pytest.mark.parametrize("entry", first_of_each_folder(RIGHT), ids=lambda entry: entry.name)
def test_a_right_optimizer_holds(entry: Planted) -> None:
    certified = certificate(entry)
    assert [failure.message for failure in certified.failures] == []
    hazards = [hazard for cell in certified.cells for hazard in cell.hazards]
    assert certified.exit_code() == 0
    assert certified.exit_code(strict=True) == bool(hazards)
    assert all(negative_roots(find(entry.claims), hazard.output) for hazard in hazards)
    assert certified.compared > 10_000


def test_a_root_of_a_rounded_variance_is_a_hazard_and_a_clamped_one_is_none() -> None:
    right = {entry.name: entry for entry in RIGHT}
    certified = certificate(right["RmspropTakesRootOfVariance"])
    (hazard,) = certified.cells[0].hazards
    assert (hazard.output, hazard.observed, "max(0, -a**2 + v)" in hazard.remedy) == ("theta", "nan", True)
    assert 0 < hazard.reals < hazard.of
    assert hazard.reals == certified.cells[0].admissible_nonfinite
    assert f"{hazard.reals} of " in " ".join(hazard_lines(certified.cells))
    assert certificate(right["RmspropClampsVariance"]).cells[0].hazards == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AdamSquaresComplexGradients", "SC306"),
        ("LionOneBetaForBoth", "SC308"),
        ("LionStepsAlongAverage", "SC308"),
        ("AdamAveragesMagnitudes", "SC238"),
        ("AdamSquaresInBfloat16", "SC238"),
    ],
)
def test_a_wrong_formula_that_is_the_same_in_both_runs_breaks_no_law_that_compares_them(name: str, code: str) -> None:
    (entry,) = [entry for entry in WRONG if entry.name == name]
    assert code not in broken(entry, code)
    cells = certificate(entry, code).cells
    assert any(law.code == code and law.verdict == "holds" for cell in cells for law in cell.laws)


@pytest.mark.parametrize("name", ["HandWrittenAdamFloat32Scalars", "AdamWLosesSmallDecay"])
def test_float32_scalars_are_read_and_what_they_lose_is_said(name: str) -> None:
    (entry,) = [entry for entry in RIGHT if entry.name == name]
    (plain,) = [entry for entry in RIGHT if entry.name == "HandWrittenAdam"]
    assert all("held in float32" in cell.accuracy.loses for cell in certificate(entry).cells if cell.accuracy)
    assert any(cell.accuracy for cell in certificate(entry).cells)
    assert not any(cell.accuracy or cell.inferred for cell in certificate(plain).cells)


def test_nothing_is_inferred_where_the_formula_is_another() -> None:
    (entry,) = [entry for entry in WRONG if "Float32Scalars" in entry.name]
    assert not any(cell.inferred or cell.accuracy for cell in certificate(entry).cells)
    assert {THETA, STATE} & broken(entry).keys()


def test_every_law_breaks_on_a_planted_optimizer() -> None:
    assert {law.code for law in LAWS} == {code for entry in WRONG for code in entry.breaks}
