"""select and ignore: which laws are checked, by codes and beginnings of codes, as linters have them."""

from __future__ import annotations

from pathlib import Path

import pytest

import stepcheck
from stepcheck.certification.chosen_laws.law_selection import check_codes, codes, ignored
from stepcheck.certification.chosen_laws.project_settings import project_settings
from stepcheck.report.text import render
from stepcheck_properties.laws import ALL

WRONG = "tests/planted/rules/adam.py:AdamEpsInsideRoot"
LAWS = {law.code for law in ALL}


def test_without_entries_no_law_is_ignored() -> None:
    assert ignored((), ()) == frozenset()


def test_a_beginning_selects_every_law_that_has_it() -> None:
    assert LAWS - ignored(("SC1", "SC3"), ()) == {code for code in LAWS if code[:3] in ("SC1", "SC3")}


@pytest.mark.parametrize(
    ("select", "ignore", "checked"),
    [
        (("SC201",), ("SC2",), {"SC201"}),
        (("SC2",), ("SC201",), {code for code in LAWS if code.startswith("SC2")} - {"SC201"}),
        ((), ("SC2",), {code for code in LAWS if not code.startswith("SC2")}),
        (("ALL",), ("SC101",), LAWS - {"SC101"}),
    ],
)
def test_the_longest_entry_that_fits_decides(
    select: tuple[str, ...], ignore: tuple[str, ...], checked: set[str]
) -> None:
    assert LAWS - ignored(select, ignore) == checked


def test_entries_are_lists_between_commas_in_any_case() -> None:
    assert codes("select", ["sc1, SC203", "SC1"]) == ("SC1", "SC203")


@pytest.mark.parametrize(
    ("select", "ignore", "message"),
    [
        (("SC9",), (), "select=SC9, but should be one of SC1, SC2"),
        ((), ("SC1O1",), "did you mean SC101?"),
        (("SC1",), ("SC1",), "select=SC1 and ignore=SC1, but no law is left to check"),
    ],
)
def test_entries_that_fit_no_law_are_refused(select: tuple[str, ...], ignore: tuple[str, ...], message: str) -> None:
    with pytest.raises(stepcheck.WrongRequest) as error:
        check_codes(select, ignore)
    assert message in str(error.value)


@pytest.mark.parametrize("given", ["SC1", [""], ["SC1,"], [1]])
def test_what_is_no_list_of_codes_is_refused(given: object) -> None:
    with pytest.raises(stepcheck.WrongRequest):
        codes("select", given)  # type: ignore[arg-type]


@pytest.mark.usefixtures("shared_fork_server")
def test_an_ignored_law_is_not_checked_and_the_report_says_so() -> None:
    arguments = {"rule": "adam", "dtypes": ["float32"], "modes": ["single"], "devices": ["cpu"], "jobs": 1}
    certificate = stepcheck.certify(WRONG, select=["SC1", "SC2"], ignore=["SC101"], **arguments)  # type: ignore[arg-type]
    assert certificate.exit_code() == 0
    (cell,) = certificate.cells
    verdicts = {law.code: law.verdict for law in cell.laws}
    assert verdicts["SC101"] == verdicts["SC501"] == "not_run"
    assert verdicts["SC102"] == verdicts["SC201"] == "holds"
    lines = render(certificate).splitlines()
    assert "selected       SC1, SC2" in lines
    assert "ignored        SC101" in lines
    assert not any("runs in one dtype" in line for line in lines)


def test_the_nearest_project_with_settings_of_its_own_is_used(tmp_path: Path) -> None:
    inside = tmp_path / "package" / "tests"
    inside.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.stepcheck]\nignore = ["SC201", "sc3"]\n')
    (tmp_path / "package" / "pyproject.toml").write_text('[project]\nname = "stepcheck-user"\n')
    found = project_settings(inside)
    assert (found.select, found.ignore) == ((), ("SC201", "SC3"))
    assert found.described == f"ignore=SC201,SC3 from {tmp_path / 'pyproject.toml'}"
    assert found.without(ignore=True).described == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[tool.stepcheck]\nselct = ["SC1"]\n', "did you mean select?"),
        ('[tool.stepcheck]\nselect = "SC1"\n', "should be a list of codes"),
        ("[tool.stepcheck]\nselect = [1]\n", "should be a list of strings"),
        ("[tool.stepcheck\n", "not a pyproject.toml that can be read"),
        ("[tool]\nstepcheck = 1\n", "should be a table"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(stepcheck.WrongRequest) as error:
        project_settings(tmp_path)
    assert message in str(error.value)


def test_what_a_file_says_of_other_tools_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n")
    assert project_settings(tmp_path).path is None
