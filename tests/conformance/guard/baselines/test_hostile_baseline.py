"""Baselines that anybody may have written: nothing in them is imported or called, and each is refused in a sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepcheck.cli.commands import main
from stepcheck.guard.baselines.baseline_files import MANIFEST
from stepcheck.guard.baselines.tensor_store import json_digest

TENSORS = "Adadelta.safetensors"
CELL = "Adadelta[default] single float32 cpu"
API = "Adadelta api"

Change = Callable[[dict[str, Any]], object]


def rewrite(baseline: Path, change: Change) -> None:
    """Change a manifest, and write the digest that it then has."""
    raw = json.loads((baseline / MANIFEST).read_text("utf-8"))
    del raw["digest"]
    change(raw)
    (baseline / MANIFEST).write_text(json.dumps({"digest": json_digest(raw), **raw}), "utf-8")


def refusal(capsys: pytest.CaptureFixture[str], baseline: Path, *arguments: str) -> str:
    """Return the one line with which ``guard check`` refuses a baseline."""
    with pytest.raises(SystemExit) as stop:
        main(["guard", "check", str(baseline), "--jobs", "1", *arguments])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out) == (2, ""), captured
    lines = [line for line in captured.err.splitlines() if "checking: " not in line]
    assert len(lines) == 1
    assert len(lines[0]) < 1200  # every rule is named
    assert lines[0].startswith("stepcheck: ")
    return lines[0]


def column(index: int, value: Any, cell: str = CELL) -> Change:
    """Return what puts another shared value, or a text, into a cell's list."""

    def change(raw: dict[str, Any]) -> None:
        key = value
        if not isinstance(value, str):
            key = json_digest(value)
            raw["shared"][key] = value
        raw["cells"][cell][index] = key

    return change


def altered(index: int, alter: Change, cell: str = CELL) -> Change:
    """Return what alters a copy of a cell's shared value."""

    def change(raw: dict[str, Any]) -> None:
        value = json.loads(json.dumps(raw["shared"][raw["cells"][cell][index]]))
        alter(value)
        column(index, value, cell)(raw)

    return change


def both(*changes: Change) -> Change:
    return lambda raw: [change(raw) for change in changes]


REQUEST, ADAPTER, OPENED, FACTS = 3, 4, 5, 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.pop("cells"), "cells should be an object"),
        (lambda raw: raw["cells"].update(odd=["steps"]), "cells.odd should be a list of 9 texts"),
        (column(0, "stairs"), "should be one of steps, checkpoint, schedule, api"),
        (column(FACTS, "0123"), "something under the digest 0123, which is missing"),
        (column(FACTS, [1]), "should be an object"),
        (lambda raw: raw["files"].update({"../../etc/passwd": 1}), "should list the names of .safetensors files"),
        (lambda raw: raw["files"].update({"Adadelta.safetensors": -1}), "should be a number of tensors"),
        (lambda raw: raw.update(accepted={CELL: [{"date": "today"}]}), "should be date, torch, reason"),
        (lambda raw: raw.update(environment={}), "environment.torch should be a text"),
        (lambda raw: raw["environment"].pop("numpy"), "environment.numpy should be a text"),
        (lambda raw: raw["wanted"].pop("targets"), "wanted.targets should be a list"),
        (altered(FACTS, lambda facts: facts.update(runs=[])), "should be an object"),
    ],
)
def test_a_manifest_with_other_content_is_refused(
    baseline: Path, capsys: pytest.CaptureFixture[str], change: Change, words: str
) -> None:
    rewrite(baseline, change)
    assert words in refusal(capsys, baseline)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (column(1, "os:system", API), "has a cell of os:system, which is imported only where you name it: --target"),
        (lambda raw: raw["wanted"]["targets"].append(["evil.py:Adam", "adam"]), "has a cell of evil.py:Adam"),
        (column(1, "torch.optim.__builtins__", API), "has a cell of torch.optim.__builtins__"),
        (altered(ADAPTER, lambda adapter: adapter.update(target="os:system")), "runs os:system under the name of"),
        (altered(OPENED, lambda opened: opened.update(target="evil:Adam")), "runs evil:Adam under the name of"),
        (altered(ADAPTER, lambda adapter: adapter.update(through="os:system")), "is wrapped by os:system"),
        (altered(ADAPTER, lambda adapter: adapter.update(source="raise SystemExit")), "has the text of a class"),
        (
            altered(
                ADAPTER,
                lambda adapter: adapter.update(
                    source="print(1)", through="stepcheck_implementations.matching.update_function:wrap"
                ),
            ),
            "has another class around torch.optim.Adadelta than this release of stepcheck writes",
        ),
        (altered(REQUEST, lambda request: request.update(ask="open", reached="/etc/passwd")), "requests 'open' with"),
        (column(REQUEST, {"ask": "surface", "target": "os:system"}, API), "requests os:system of torch.optim.Adadelta"),
        (column(REQUEST, {"ask": "library_surface", "library": "evil"}, API), "requests the library evil"),
    ],
)
def test_what_a_baseline_names_is_neither_imported_nor_called(
    baseline: Path, capsys: pytest.CaptureFixture[str], change: Change, words: str
) -> None:
    rewrite(baseline, change)
    assert words in refusal(capsys, baseline)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (altered(REQUEST, lambda request: request.update(scripts=["{}"])), "a script of"),
        (altered(REQUEST, lambda request: request.update(scripts=["[" * 9000])), "is nested too deeply"),
        (altered(ADAPTER, lambda adapter: adapter.update(more=1)), "more=1, but Adapter has"),
        (column(2, "adma"), "did you mean adam?"),
    ],
)
def test_a_cell_that_cannot_be_run_is_the_baselines(
    baseline: Path, capsys: pytest.CaptureFixture[str], change: Change, words: str
) -> None:
    rewrite(baseline, both(change, altered(FACTS, lambda facts: facts.update(more=1))))
    assert words in refusal(capsys, baseline, "--only", CELL.replace("[", "?").replace("]", "?"))


def test_a_manifest_that_is_nested_too_deeply_is_refused(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (baseline / MANIFEST).write_text("[" * 200_000)
    assert "is nested too deeply" in refusal(capsys, baseline)


def test_a_byte_that_is_not_utf8_prints_one_line(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray((baseline / MANIFEST).read_bytes())
    data[len(data) // 2] = 0xFF
    (baseline / MANIFEST).write_bytes(bytes(data))
    assert f"byte {len(data) // 2} is not UTF-8" in refusal(capsys, baseline)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
@pytest.mark.parametrize("name", [MANIFEST, TENSORS])
def test_a_pipe_a_device_and_a_link_out_of_the_directory_are_refused(
    baseline: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = baseline / name
    data = file.read_bytes()
    file.unlink()
    os.mkfifo(file)
    assert "it is no regular file" in refusal(capsys, baseline)
    file.unlink()
    for outside in (baseline.parent / "outside", Path("/dev/zero")):
        if outside.parent == baseline.parent:
            outside.write_bytes(data)
        file.symlink_to(outside)
        assert "it is a link out of its directory" in refusal(capsys, baseline)
        file.unlink()
    file.mkdir()
    assert "Is a directory" in refusal(capsys, baseline) or os.name != "posix"


def test_a_baseline_without_cells_exits_with_5(warm: None, baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewrite(baseline, lambda raw: raw.update(cells={}))
    with pytest.raises(SystemExit) as stop:
        main(["guard", "check", str(baseline), "--jobs", "1"])
    assert stop.value.code == 5, capsys.readouterr()


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    "arguments", [["--target", "torch.optim.Nope"], ["--device", "abacus"], ["--target", "no/such.py:Adam=adam"]]
)
def test_a_recording_that_is_refused_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["guard", "record", str(tmp_path / "a" / "b"), "--jobs", "1", *arguments])
    assert stop.value.code == 2, capsys.readouterr()
    assert not (tmp_path / "a").exists()
