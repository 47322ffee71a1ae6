"""Releases held against each other, and the one that changed a cell found: copies of torch stand for releases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance.guard.patched_torch import ANOTHER_ORDER, EPS_OUTSIDE, OTHER_ETAS, Planted, patched
from stepcheck.certification.request import WrongRequest
from stepcheck.guard import bisect as bisecting
from stepcheck.guard import matrix as columns_of
from stepcheck.guard import record_baseline
from stepcheck.guard.baselines import cache
from stepcheck.guard.baselines.cache import Recordings
from stepcheck.guard.bisect import bisect
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.corpus import Wanted
from stepcheck.guard.corpus.spec import STEPS, Asked
from stepcheck.guard.environments.environments import Environments, Unavailable
from stepcheck.guard.environments.torch_source import Site
from stepcheck.guard.matrix import Column, matrix
from stepcheck.processes.executor import Local
from stepcheck.report.guard import matrix_text as reports
from stepcheck.report.guard.bisect_text import report
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers

TARGETS = ("Adadelta", "RMSprop", "Rprop")
WANTED = Wanted(tuple((f"torch.optim.{name}", None) for name in TARGETS), ("single",), ("float32",))
RELEASES: dict[str, tuple[Planted, ...]] = {
    "3.0.0": (),
    "3.1.0": (ANOTHER_ORDER,),
    "3.2.0": (ANOTHER_ORDER,),
    "3.3.0": (ANOTHER_ORDER, OTHER_ETAS),
    "3.4.0": (ANOTHER_ORDER, OTHER_ETAS, EPS_OUTSIDE),
}
CELL = "Adadelta[default] single float32 cpu"


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Workers]]:
    """Workers of every release, whose torch is a copy that calls itself by it."""
    folder = tmp_path_factory.mktemp("releases")
    with ExitStack() as stack:
        found = {}
        for name, changes in RELEASES.items():
            path = (str(patched(folder / name, changes, name)), *Interpreter.own().path)
            found[name] = stack.enter_context(Workers(interpreter=Interpreter(Interpreter.own().python, path)))
        yield found


@pytest.fixture
def asked(releases: dict[str, Workers], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The releases whose Python was asked for, as installations would be."""
    found: list[str] = []

    def interpreter(site: Site, say: Callable[[str], None] = lambda line: None) -> Interpreter:
        found.append(site.torch)
        if site.torch not in releases:
            raise Unavailable(site.torch, "there is no wheel of it")
        return releases[site.torch].interpreter

    def workers(interpreter: Interpreter) -> Workers:
        address = next(one.address for one in releases.values() if one.interpreter == interpreter)
        return Workers(address=address, interpreter=interpreter)

    for module in (cache, columns_of, record_baseline):
        monkeypatch.setattr(module, "Workers", workers)
    monkeypatch.setattr(Site, "interpreter", interpreter)
    monkeypatch.setattr(Environments, "cached", lambda environments: [])
    return found


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(Site(cache=str(tmp_path / "cache")), WANTED)


def columns(recordings: Recordings, *versions: str, said: list[str] | None = None) -> list[Column]:
    lines: list[str] = [] if said is None else said
    return list(matrix(versions, recordings, Local(1), say=lines.append))


def changed(column: Column) -> dict[str, Change]:
    return {entry.cell: entry.change for entry in column.differences if entry.change is not Change.IDENTICAL}


def test_every_release_is_held_against_the_one_before_it_that_could_be_had(
    recordings: Recordings, asked: list[str]
) -> None:
    first, second, missing, third = columns(recordings, "3.0.0", "3.1.0", "3.1.5", "3.4.0")
    assert (first.against, first.differences, first.missing) == ("", (), "")
    assert first.environment["torch"] == "3.0.0"
    moved = changed(second)
    assert {name.partition("[")[0] for name in moved} == {"RMSprop"}
    assert set(moved.values()) == {Change.ROUNDING}
    assert missing.missing == "there is no wheel of it"
    assert third.against == "3.1.0"
    found = changed(third)
    assert {name for name in found if name.startswith("Rprop")} == {"Rprop api"}
    assert found[CELL] is Change.CHANGED
    assert found[f"{CELL} checkpoint"] is Change.CHANGED
    assert not any(name.startswith("RMSprop") for name in found)


def test_a_matrix_that_was_interrupted_goes_on_where_it_was(recordings: Recordings, asked: list[str]) -> None:
    run = matrix(("3.0.0", "3.1.0"), recordings, Local(1))
    next(run)
    run.close()
    said: list[str] = []
    assert len(columns(recordings, "3.0.0", "3.1.0", said=said)) == 2
    assert said == ["torch 3.0.0: recorded before"]
    asked.clear()
    columns(recordings, "3.0.0", said=said)
    assert asked == []


def test_a_recording_that_was_tampered_with_is_made_anew(recordings: Recordings, asked: list[str]) -> None:
    columns(recordings, "3.0.0")
    tensors = next(recordings.place("3.0.0").glob("Rprop*.safetensors"))
    tensors.write_bytes(tensors.read_bytes()[:-3])
    said: list[str] = []
    columns(recordings, "3.0.0", said=said)
    assert said == []
    assert recordings.kept("3.0.0") is not None


def test_shards_of_a_matrix_have_all_its_cells_together(tmp_path: Path, asked: list[str]) -> None:
    site = Site(cache=str(tmp_path / "cache"))
    whole = columns(Recordings(site, WANTED), "3.0.0")[0].cells
    parts = [columns(Recordings(site, WANTED, f"{number}/2"), "3.0.0")[0].cells for number in (1, 2)]
    assert {name: sum(part.get(name, 0) for part in parts) for name in whole} == whole


def test_the_table_says_what_each_release_did_to_each_class(recordings: Recordings, asked: list[str]) -> None:
    found = columns(recordings, "3.0.0", "3.1.0", "3.1.5", "3.3.0")
    rows = [line.split() for line in reports.table(found)]
    assert rows[0] == ["cells", "3.0.0", "3.1.0", "3.1.5", "3.3.0"]
    assert rows[2] == ["Adadelta", "7", "cells", "✓", "–", "✓"]
    assert rows[3] == ["RMSprop", "13", "cells", "≈12", "–", "✓"]
    assert rows[4] == ["Rprop", "7", "cells", "✓", "–", "✗1"]
    text = reports.text(found)
    assert "torch 3.1.5: there is no wheel of it" in text
    assert "torch 3.1.0 → 3.3.0" in text
    assert "| Rprop | 7 cells | ✓ | – | ✗1 |" in reports.markdown(found)
    plain = json.loads(reports.to_json(found))
    assert [column["torch"] for column in plain] == ["3.0.0", "3.1.0", "3.1.5", "3.3.0"]
    assert [entry["cell"] for entry in plain[3]["differences"]] == ["Rprop api"]


def test_bisection_finds_the_release_that_changed_a_cell(recordings: Recordings, asked: list[str]) -> None:
    found = bisect(CELL, list(RELEASES), recordings)
    assert (found.good, found.bad) == ("3.3.0", "3.4.0")
    assert found.tried["3.4.0"].change is Change.CHANGED
    assert len(found.tried) <= 3
    assert "changed in torch 3.4.0; torch 3.3.0 does what the first one did" in report(found)


def test_bisection_of_a_checkpoint_goes_on_from_what_the_first_release_saved(
    recordings: Recordings, asked: list[str]
) -> None:
    found = bisect(f"{CELL} checkpoint", list(RELEASES), recordings)
    assert (found.good, found.bad) == ("3.3.0", "3.4.0")


def test_bisection_of_a_rounding_stops_where_it_began(recordings: Recordings, asked: list[str]) -> None:
    found = bisect("RMSprop[default] single float32 cpu", list(RELEASES), recordings)
    assert (found.good, found.bad) == ("3.0.0", "3.1.0")
    assert found.tried["3.1.0"].change is Change.ROUNDING


def test_bisection_uses_what_a_matrix_has_recorded(recordings: Recordings, asked: list[str]) -> None:
    columns(recordings, "3.0.0", "3.4.0")
    asked.clear()
    found = bisect("Rprop api", ["3.0.0", "3.4.0"], recordings)
    assert asked == []
    assert (found.good, found.bad) == ("3.0.0", "3.4.0")


def test_bisection_of_a_change_counts_a_mere_rounding_as_good(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"1.0": Change.IDENTICAL, "1.1": Change.ROUNDING, "1.2": Change.ROUNDING, "1.3": Change.CHANGED}
    asked = Asked(CELL, STEPS, "torch.optim.Adadelta", {})
    monkeypatch.setattr(Environments, "cached", lambda environments: [])
    monkeypatch.setattr(bisecting, "_asked", lambda *_: asked)
    monkeypatch.setattr(bisecting, "_recording", lambda version, *_: Recording({"version": version}, {}))
    monkeypatch.setattr(
        bisecting,
        "compare",
        lambda asked, old, new: Difference(CELL, STEPS, asked.target, found[new.facts["version"]]),
    )
    one = bisect(CELL, list(found), recordings)
    assert (one.good, one.bad) == ("1.2", "1.3")


def test_a_recording_of_other_sources_is_not_taken_for_one_of_these(
    recordings: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recordings.place("3.0.0")
    monkeypatch.setattr(cache, "fingerprint", lambda: "other")
    assert recordings.place("3.0.0") != before


def test_bisection_of_what_did_not_change_is_refused(recordings: Recordings, asked: list[str]) -> None:
    with pytest.raises(WrongRequest, match=r"bad=3\.3\.0, but Adadelta\[default\] single float32 cpu does there"):
        bisect(CELL, ["3.0.0", "3.3.0"], recordings)


def test_a_release_that_cannot_be_had_may_be_the_one(recordings: Recordings, asked: list[str]) -> None:
    found = bisect(CELL, ["3.3.0", "3.3.5", "3.4.0"], recordings)
    assert found.between == ("3.3.5",)
    assert "or in 3.3.5, which could not be had" in report(found)


def test_a_cell_that_there_is_not_is_named_with_the_nearest(recordings: Recordings, asked: list[str]) -> None:
    with pytest.raises(WrongRequest, match=r"did you mean Rprop\[default\] single float32 cpu\?"):
        bisect("Rprop[default] singel float32 cpu", ["3.0.0", "3.4.0"], recordings)
    with pytest.raises(WrongRequest, match=r"cell=Rprop\*, but that is \d+ cells; name one"):
        bisect("Rprop*", ["3.0.0", "3.4.0"], recordings)
