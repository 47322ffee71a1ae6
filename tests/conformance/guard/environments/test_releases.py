"""Releases: their order, their list, and versions that a user names."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stepcheck.certification.request import WrongRequest
from stepcheck.guard.environments import releases, uv
from stepcheck.guard.environments.releases import between, check_versions, public, release_key, released

RELEASED = ("1.13.1", "2.2.2", "2.9.1", "2.10.0", "2.10.0.post1", "2.13.0")
LISTED = """torch (2.15.0)
Available versions: 2.13.0+cpu, 2.13.0, 2.10.0.post1, 2.10.0, 2.14.0rc1, 2.15.0.dev20260101, 2.9.1, 2.2.2, 1.13.1
  INSTALLED: 2.13.0+cpu
  LATEST:    2.13.0
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces this Python's pip, and uv's, by programs with given output."""

    def make(*answers: tuple[str, str, int]) -> None:
        commands = []
        for number, (out, err, status) in enumerate(answers):
            script = tmp_path / f"pip{number}.py"
            script.write_text(
                "import sys\n"
                "assert sys.argv[1:] == ['index', 'versions', 'torch'], sys.argv\n"
                f"print({out!r}, end='')\nprint({err!r}, end='', file=sys.stderr)\nsys.exit({status})\n"
            )
            commands.append([sys.executable, str(script)])
        monkeypatch.setattr(releases, "_commands", lambda: commands)

    return make


def test_releases_are_ordered_by_their_numbers() -> None:
    assert sorted(sorted(RELEASED), key=release_key) == list(RELEASED)
    assert sorted(RELEASED) != list(RELEASED)
    assert release_key("2.10") == release_key("2.10.0") == release_key("2.10.0+cu128")
    assert release_key("0") == release_key("0.0") < release_key("0.0.1")
    assert release_key("2.10.0") < release_key("2.10.0.post0") < release_key("2.10.1")


@pytest.mark.parametrize("version", ["", "newest", "2.", "2.6.0rc1", "2.6.0.dev1", "v2.6.0", "2.6.0+../x", "2.6-1"])
def test_an_invalid_release_has_no_sort_key(version: str) -> None:
    with pytest.raises(WrongRequest) as raised:
        release_key(version)
    assert str(raised.value) == f"torch={version}, but should be a release such as 2.6.0"


def test_the_public_part_of_a_version_precedes_the_build() -> None:
    assert public("2.6.0+cu124") == public("2.6.0") == "2.6.0"


def test_the_final_releases_are_listed_oldest_first(fake: Callable[..., None]) -> None:
    fake((LISTED, "WARNING: pip index is currently an experimental command.\n", 0))
    assert released() == RELEASED


def test_where_this_python_has_no_pip_uv_fetches_one(fake: Callable[..., None]) -> None:
    fake(("", "python: No module named pip\n", 1), (LISTED, "", 0))
    assert released() == RELEASED


def test_the_reason_why_releases_are_not_listed_is_reported(fake: Callable[..., None]) -> None:
    fake(("", "WARNING: experimental\nERROR: No matching distribution found for torch\n\n", 1), ("", "error: other", 1))
    with pytest.raises(WrongRequest, match=r"^the releases of torch could not be listed \(No matching distribution "):
        released()


def test_a_pip_that_cannot_be_started_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(releases, "_commands", lambda: [[str(tmp_path / "no-python")]])
    with pytest.raises(
        WrongRequest, match=r"could not be listed \(.*No such file.*\); name them, as in 2\.6\.0,2\.13\.0"
    ):
        released()


def test_pip_is_this_pythons_before_uvs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "command", lambda: ["uv"])
    assert [command[0] for command in releases._commands()] == [sys.executable, "uv"]
    monkeypatch.setattr(uv, "command", lambda: None)
    assert [command[0] for command in releases._commands()] == [sys.executable]


def test_the_range_between_two_releases_includes_both() -> None:
    assert between("2.2.2", "2.10.0.post1", RELEASED) == ("2.2.2", "2.9.1", "2.10.0", "2.10.0.post1")
    assert between("2.10.0", "2.13.0", RELEASED[::-1]) == ("2.10.0", "2.10.0.post1", "2.13.0")


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("2.13.0", "2.2.2", "good=2.13.0, but should be older than bad=2.2.2"),
        ("2.2.2", "2.2.2", "good=2.2.2, but should be older than bad=2.2.2"),
        ("2.2.3", "2.13.0", f"good=2.2.3, but should be one of {', '.join(RELEASED)} (did you mean 2.2.2?)"),
        ("2.2.2", "2.31.0", f"bad=2.31.0, but should be one of {', '.join(RELEASED)} (did you mean 2.13.0?)"),
    ],
)
def test_a_range_runs_from_an_older_release_to_a_newer_one(good: str, bad: str, message: str) -> None:
    with pytest.raises(WrongRequest) as raised:
        between(good, bad, RELEASED)
    assert str(raised.value) == message


def test_versions_and_words_are_read_as_they_stand() -> None:
    assert check_versions("2.4.1, 2.6.0 ,newest,installed") == ("2.4.1", "2.6.0", "newest", "installed")
    assert check_versions("2.13.0,newest,2.2.2", RELEASED) == ("2.13.0", "newest", "2.2.2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "torch=, but should be versions separated by commas, as in 2.4.1,2.6.0,newest"),
        ("2.2.2,,2.6.0", "torch=2.2.2,,2.6.0, but should be versions separated by commas, as in 2.4.1,2.6.0,newest"),
        (
            "newset",
            "torch=newset, but should be a release such as 2.6.0, or newest or installed (did you mean newest?)",
        ),
        (
            "2.13.O",
            "torch=2.13.O, but should be a release such as 2.6.0, or newest or installed (did you mean 2.13.0?)",
        ),
        ("2.2.2,2.2.2", "torch=2.2.2,2.2.2, but 2.2.2 is named twice"),
        (
            "2.9.9",
            f"torch=2.9.9, but should be one of {', '.join(RELEASED)}, newest, installed (did you mean 2.9.1?)",
        ),
    ],
)
def test_a_wrong_list_of_versions_names_what_was_meant(text: str, message: str) -> None:
    with pytest.raises(WrongRequest) as raised:
        check_versions(text, RELEASED)
    assert str(raised.value) == message
