"""Matrices and bisections over releases, for which copies of torch stand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance.guard.patched_torch import ANOTHER_ORDER, EPS_OUTSIDE, OTHER_ETAS, Planted, patched
from stepcheck.certification.request import WrongRequest
from stepcheck.guard import bisect as bisect_module
from stepcheck.guard import matrix as matrix_module
from stepcheck.guard import record_baseline
from stepcheck.guard.baselines import recording_cache
from stepcheck.guard.baselines.recording_cache import RecordingCache
from stepcheck.guard.bisect import bisect
from stepcheck.guard.comparison.difference import Change, Difference
from stepcheck.guard.corpus.cell_spec import STEPS, CellSpec
from stepcheck.guard.corpus.selection import Selection
from stepcheck.guard.environments.environment import Unavailable
from stepcheck.guard.environments.environments import Environments
from stepcheck.guard.environments.torch_source import TorchSource
from stepcheck.guard.matrix import Column, matrix
from stepcheck.processes.executor import Local
from stepcheck.report.guard import matrix_text as reports
from stepcheck.report.guard.bisect_text import render
from stepcheck_implementations.recorder.recording import Recording
from stepcheck_implementations.workers.interpreter import Interpreter
from stepcheck_implementations.workers.pool import Workers

TARGETS = ("Adadelta", "RMSprop", "Rprop")
SELECTION = Selection(tuple((f"torch.optim.{name}", None) for name in TARGETS), ("single",), ("float32",))
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
        result = {}
        for name, changes in RELEASES.items():
            path = (str(patched(folder / name, changes, name)), *Interpreter.own().path)
            result[name] = stack.enter_context(Workers(interpreter=Interpreter(Interpreter.own().python, path)))
        yield result


@pytest.fixture
def installs(releases: dict[str, Workers], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The releases whose Python was requested, which would be installed."""
    return instead_of_installing(releases, monkeypatch)


def instead_of_installing(releases: dict[str, Workers], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the copies of torch stand for releases, and return those whose Python is requested."""
    result: list[str] = []

    def interpreter(source: TorchSource, notify: Callable[[str], None] = lambda line: None) -> Interpreter:
        result.append(source.torch)
        if source.torch not in releases:
            raise Unavailable(source.torch, "there is no wheel of it")
        return releases[source.torch].interpreter

    def workers(interpreter: Interpreter) -> Workers:
        address = next(one.address for one in releases.values() if one.interpreter == interpreter)
        return Workers(address=address, interpreter=interpreter)

    for module in (recording_cache, matrix_module, record_baseline):
        monkeypatch.setattr(module, "Workers", workers)
    monkeypatch.setattr(TorchSource, "interpreter", interpreter)
    monkeypatch.setattr(Environments, "cached", lambda environments: [])
    return result


@pytest.fixture
def recordings(tmp_path: Path) -> RecordingCache:
    return RecordingCache(TorchSource(cache=str(tmp_path / "cache")), SELECTION)


@pytest.fixture(scope="module")
def shared(releases: dict[str, Workers], tmp_path_factory: pytest.TempPathFactory) -> RecordingCache:
    """Recordings of every release but one, made once."""
    made = RecordingCache(TorchSource(cache=str(tmp_path_factory.mktemp("shared"))), SELECTION)
    with pytest.MonkeyPatch.context() as patch:
        instead_of_installing(releases, patch)
        columns(made, "3.0.0", "3.1.0", "3.3.0", "3.4.0")
    return made


@pytest.fixture
def recorded(shared: RecordingCache, recordings: RecordingCache) -> RecordingCache:
    """A copy of those recordings."""
    shutil.copytree(shared.source.root, recordings.source.root)
    return recordings


def columns(recordings: RecordingCache, *versions: str, lines: list[str] | None = None) -> list[Column]:
    lines: list[str] = [] if lines is None else lines
    return list(matrix(versions, recordings, Local(1), notify=lines.append))


def changed(column: Column) -> dict[str, Change]:
    return {entry.cell: entry.change for entry in column.differences if entry.change is not Change.IDENTICAL}


def test_every_release_is_compared_with_the_last_available_one(recorded: RecordingCache, installs: list[str]) -> None:
    first, second, missing, third = columns(recorded, "3.0.0", "3.1.0", "3.1.5", "3.4.0")
    assert (first.against, first.differences, first.missing) == ("", (), "")
    assert first.environment["torch"] == "3.0.0"
    changes = changed(second)
    assert {name.partition("[")[0] for name in changes} == {"RMSprop"}
    assert set(changes.values()) == {Change.ROUNDING}
    assert missing.missing == "there is no wheel of it"
    assert third.against == "3.1.0"
    result = changed(third)
    assert {name for name in result if name.startswith("Rprop")} == {"Rprop api"}
    assert result[CELL] is Change.CHANGED
    assert result[f"{CELL} checkpoint"] is Change.CHANGED
    assert not any(name.startswith("RMSprop") for name in result)


def test_an_interrupted_matrix_resumes(recordings: RecordingCache, installs: list[str]) -> None:
    run = matrix(("3.0.0", "3.1.0"), recordings, Local(1))
    next(run)
    run.close()
    lines: list[str] = []
    assert len(columns(recordings, "3.0.0", "3.1.0", lines=lines)) == 2
    assert lines == ["torch 3.0.0: already recorded"]
    installs.clear()
    columns(recordings, "3.0.0", lines=lines)
    assert installs == []


def test_a_recording_that_was_tampered_with_is_recorded_again(recorded: RecordingCache, installs: list[str]) -> None:
    columns(recorded, "3.0.0")
    tensors = next(recorded.path("3.0.0").glob("Rprop*.safetensors"))
    tensors.write_bytes(tensors.read_bytes()[:-3])
    lines: list[str] = []
    columns(recorded, "3.0.0", lines=lines)
    assert lines == []
    assert recorded.cached("3.0.0") is not None


def test_shards_of_a_matrix_have_all_its_cells_together(recorded: RecordingCache, installs: list[str]) -> None:
    source = recorded.source
    unsharded = columns(recorded, "3.0.0")[0].cells
    parts = [columns(RecordingCache(source, SELECTION, f"{number}/2"), "3.0.0")[0].cells for number in (1, 2)]
    assert {name: sum(part.get(name, 0) for part in parts) for name in unsharded} == unsharded


def test_the_table_shows_what_each_release_changed_in_each_class(recorded: RecordingCache, installs: list[str]) -> None:
    result = columns(recorded, "3.0.0", "3.1.0", "3.1.5", "3.3.0")
    rows = [line.split() for line in reports.table(result)]
    assert rows[0] == ["cells", "3.0.0", "3.1.0", "3.1.5", "3.3.0"]
    assert rows[2] == ["Adadelta", "7", "cells", "✓", "–", "✓"]
    assert rows[3] == ["RMSprop", "13", "cells", "≈12", "–", "✓"]
    assert rows[4] == ["Rprop", "7", "cells", "✓", "–", "✗1"]
    text = reports.render(result)
    assert "torch 3.1.5: there is no wheel of it" in text
    assert "torch 3.1.0 → 3.3.0" in text
    assert "| Rprop | 7 cells | ✓ | – | ✗1 |" in reports.render_markdown(result)
    plain = json.loads(reports.render_json(result))
    assert [column["torch"] for column in plain] == ["3.0.0", "3.1.0", "3.1.5", "3.3.0"]
    assert [entry["cell"] for entry in plain[3]["differences"]] == ["Rprop api"]


def test_bisection_finds_the_release_that_changed_a_cell(recordings: RecordingCache, installs: list[str]) -> None:
    result = bisect(CELL, list(RELEASES), recordings)
    assert (result.good, result.bad) == ("3.3.0", "3.4.0")
    assert result.tried["3.4.0"].change is Change.CHANGED
    assert len(result.tried) <= 3
    assert "changed in torch 3.4.0; torch 3.3.0 does the same as the first release" in render(result)


def test_bisection_of_a_checkpoint_resumes_from_what_the_first_release_saved(
    recordings: RecordingCache, installs: list[str]
) -> None:
    result = bisect(f"{CELL} checkpoint", list(RELEASES), recordings)
    assert (result.good, result.bad) == ("3.3.0", "3.4.0")


def test_bisection_of_a_rounding_stops_where_it_began(recordings: RecordingCache, installs: list[str]) -> None:
    result = bisect("RMSprop[default] single float32 cpu", list(RELEASES), recordings)
    assert (result.good, result.bad) == ("3.0.0", "3.1.0")
    assert result.tried["3.1.0"].change is Change.ROUNDING


def test_bisection_uses_what_a_matrix_has_recorded(recorded: RecordingCache, installs: list[str]) -> None:
    result = bisect("Rprop api", ["3.0.0", "3.4.0"], recorded)
    assert installs == []
    assert (result.good, result.bad) == ("3.0.0", "3.4.0")


def test_bisection_of_a_change_counts_a_mere_rounding_as_good(
    recordings: RecordingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = {"1.0": Change.IDENTICAL, "1.1": Change.ROUNDING, "1.2": Change.ROUNDING, "1.3": Change.CHANGED}
    spec = CellSpec(CELL, STEPS, "torch.optim.Adadelta", {})
    monkeypatch.setattr(Environments, "cached", lambda environments: [])
    monkeypatch.setattr(bisect_module, "_spec", lambda *_: spec)
    monkeypatch.setattr(bisect_module, "_recording", lambda version, *_: Recording({"version": version}, {}))
    monkeypatch.setattr(
        bisect_module,
        "compare",
        lambda spec, old, new: Difference(CELL, STEPS, spec.target, result[new.facts["version"]]),
    )
    one = bisect(CELL, list(result), recordings)
    assert (one.good, one.bad) == ("1.2", "1.3")


def test_a_recording_of_other_sources_is_not_taken_for_one_of_these(
    recordings: RecordingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = recordings.path("3.0.0")
    monkeypatch.setattr(recording_cache, "fingerprint", lambda: "other")
    assert recordings.path("3.0.0") != before


def test_bisection_of_what_did_not_change_is_refused(recordings: RecordingCache, installs: list[str]) -> None:
    same = r"bad=3\.3\.0, but Adadelta\[default\] single float32 cpu does the same there"
    with pytest.raises(WrongRequest, match=same):
        bisect(CELL, ["3.0.0", "3.3.0"], recordings)


def test_an_unavailable_release_may_be_the_one(recordings: RecordingCache, installs: list[str]) -> None:
    result = bisect(CELL, ["3.3.0", "3.3.5", "3.4.0"], recordings)
    assert result.between == ("3.3.5",)
    assert "or in 3.3.5, which are not available" in render(result)


def test_an_unknown_cell_is_refused_with_the_nearest_name(recordings: RecordingCache, installs: list[str]) -> None:
    with pytest.raises(WrongRequest, match=r"did you mean Rprop\[default\] single float32 cpu\?"):
        bisect("Rprop[default] singel float32 cpu", ["3.0.0", "3.4.0"], recordings)
    with pytest.raises(WrongRequest, match=r"cell=Rprop\*, but that matches \d+ cells; name one"):
        bisect("Rprop*", ["3.0.0", "3.4.0"], recordings)
