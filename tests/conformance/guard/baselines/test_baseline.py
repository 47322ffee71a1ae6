"""Baselines: every bit is restored, and a damaged or altered file is named, with what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load as unpacked
from safetensors.numpy import save as packed

from conformance.guard.altered_recordings import alter, with_tensor
from stepcheck.guard.baselines.baseline import Baseline, file_of
from stepcheck.guard.baselines.baseline_files import MANIFEST, UNFINISHED, BadBaseline, load, save
from stepcheck.guard.corpus.cell_spec import API, CellSpec
from stepcheck_implementations.recorder.recording import Recording

TENSORS = "Adadelta.safetensors"
CELL = "Adadelta[default] single float32 cpu"


def refusal(directory: Path) -> str:
    with pytest.raises(BadBaseline) as raised:
        load(directory)
    return str(raised.value)


def rewritten(directory: Path, name: str, change) -> None:
    """Apply ``change`` to the tensors of a file, without updating digests."""
    tensors = unpacked((directory / name).read_bytes())
    change(tensors)
    (directory / name).write_bytes(packed(tensors))


def test_a_baseline_that_is_saved_again_is_the_same_bytes(baseline: Path) -> None:
    before = {path.name: path.read_bytes() for path in baseline.iterdir()}
    save(load(baseline), baseline)
    assert {path.name: path.read_bytes() for path in baseline.iterdir()} == before


def test_a_damaged_tensor_file_is_named(baseline: Path) -> None:
    (baseline / TENSORS).write_bytes((baseline / TENSORS).read_bytes()[:-7])
    message = refusal(baseline)
    assert f"{baseline / TENSORS} is damaged" in message
    assert "the recordings of 7 cells (Adadelta api, ...)" in message
    assert f"stepcheck guard record --force {baseline}" in message


def test_a_missing_tensor_file_is_named(baseline: Path) -> None:
    (baseline / TENSORS).unlink()
    message = refusal(baseline)
    assert f"{baseline / TENSORS} is missing" in message
    assert f"stepcheck guard record --force {baseline}" in message


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.999])
def test_a_manifest_that_is_cut_off_is_named(baseline: Path, fraction: float) -> None:
    text = (baseline / MANIFEST).read_text("utf-8")
    (baseline / MANIFEST).write_text(text[: int(fraction * len(text))], "utf-8")
    message = refusal(baseline)
    assert f"{baseline / MANIFEST} is damaged" in message
    assert f"stepcheck guard record --force {baseline}" in message


@pytest.mark.parametrize("text", ["[]", "3", '"a"', "{}", '{"digest": "0"}'])
def test_a_manifest_that_is_another_json_value_is_refused(baseline: Path, text: str) -> None:
    (baseline / MANIFEST).write_text(text, "utf-8")
    assert str(baseline / MANIFEST) in refusal(baseline)


def test_one_byte_of_a_tensor_is_noticed(baseline: Path) -> None:
    data = bytearray((baseline / TENSORS).read_bytes())
    data[-3] ^= 1
    (baseline / TENSORS).write_bytes(bytes(data))
    message = refusal(baseline)
    assert f"{baseline / TENSORS} was changed after it was written: tensor " in message
    assert f"stepcheck guard record --force {baseline}" in message


def test_two_tensors_in_each_others_place_are_noticed(baseline: Path) -> None:
    def swap(tensors) -> None:
        one, other, *_ = sorted(tensors)
        tensors[one], tensors[other] = tensors[other], tensors[one]

    rewritten(baseline, TENSORS, swap)
    assert f"{baseline / TENSORS} was changed after it was written" in refusal(baseline)


def test_a_tensor_of_another_shape_is_noticed(baseline: Path) -> None:
    def turn(tensors) -> None:
        key = sorted(tensors)[0]
        tensors[key] = tensors[key].reshape(1, -1)

    rewritten(baseline, TENSORS, turn)
    assert f"{baseline / TENSORS} was changed after it was written" in refusal(baseline)


def test_a_tensor_that_was_taken_out_is_noticed(baseline: Path) -> None:
    rewritten(baseline, TENSORS, lambda tensors: tensors.pop(sorted(tensors)[0]))
    message = refusal(baseline)
    assert f"{baseline / TENSORS} lacks a tensor of Adadelta" in message


def test_one_digit_of_the_manifest_is_noticed(baseline: Path) -> None:
    text = (baseline / MANIFEST).read_text("utf-8")
    at = re.search(r'"lr":0\.0?(\d)', text)
    assert at is not None
    other = str((int(at[1]) + 1) % 10)
    (baseline / MANIFEST).write_text(text[: at.start(1)] + other + text[at.end(1) :], "utf-8")
    message = refusal(baseline)
    assert f"{baseline / MANIFEST} was changed after it was written" in message
    assert f"stepcheck guard record --force {baseline}" in message


def test_another_format_is_refused_with_both_numbers(baseline: Path) -> None:
    raw = json.loads((baseline / MANIFEST).read_text("utf-8"))
    (baseline / MANIFEST).write_text(json.dumps({**raw, "format": 2}), "utf-8")
    message = refusal(baseline)
    assert "has format=2, but this stepcheck reads format 1" in message
    assert f"stepcheck guard record --force {baseline}" in message


def test_each_kind_of_missing_baseline_has_its_message(tmp_path: Path) -> None:
    assert "but should be a directory that `stepcheck guard record` made" in refusal(tmp_path / "nowhere")
    assert f"there is no {MANIFEST} in it" in refusal(tmp_path)
    (tmp_path / UNFINISHED).mkdir()
    assert "its recording was interrupted; `stepcheck guard record" in refusal(tmp_path)


def test_a_baseline_holds_neither_paths_of_this_machine_nor_pickles(recorded_once: Path) -> None:
    text = (recorded_once / MANIFEST).read_text("utf-8")
    assert str(Path.home()) not in text
    assert str(recorded_once) not in text
    assert all(path.suffix in (".json", ".safetensors") for path in recorded_once.iterdir())


def test_cells_that_did_the_same_share_their_tensors(baseline: Path) -> None:
    before = (baseline / TENSORS).stat().st_size
    alter(baseline, CELL, lambda recording: recording)
    assert (baseline / TENSORS).stat().st_size == before
    alter(baseline, CELL, lambda recording: with_tensor(recording, "bulk/theta.f", lambda values: -values))
    assert load(baseline).recording(CELL).tensors["bulk/theta.f"].size * 2 <= (baseline / TENSORS).stat().st_size


def test_a_recording_is_the_same_only_where_every_bit_is(recorded_once: Path) -> None:
    baseline = load(recorded_once)
    loaded = baseline.recording(CELL)
    assert baseline.same(CELL, loaded)
    for flip in (np.negative, lambda values: np.nextafter(values, np.float32(np.inf)), lambda values: values[:-1]):
        assert not baseline.same(CELL, with_tensor(loaded, "bulk/theta.f", flip))
    assert not baseline.same(CELL, Recording({**loaded.facts, "more": 1}, loaded.tensors))


@pytest.mark.parametrize(
    ("target", "stem"),
    [
        ("torch.optim.Adam", "Adam"),
        ("torch.optim.lr_scheduler.StepLR", "schedules"),
        ("torch.optim.swa_utils.SWALR", "schedules"),
        ("torch.optim", "torch.optim"),
        ("some/where.py:Mine", "some_where.py_Mine"),
        ("package.module:Mine", "package.module_Mine"),
    ],
)
def test_tensors_of_a_class_have_a_file_of_a_plain_name(target: str, stem: str) -> None:
    assert file_of(target) == stem


KINDS = ("float16", "float32", "float64", "int64", "int32", "int16", "uint8", "uint16", "bool")


def numbers(kind: str) -> st.SearchStrategy[np.ndarray]:
    """Return arrays of any bits of a dtype, and those whose bits a narrower format holds."""
    dtype = np.dtype(kind)
    shapes = arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)
    words = arrays.arrays(np.dtype(f"u{dtype.itemsize}"), shapes)
    if dtype.kind != "f":
        return arrays.arrays(dtype, shapes)
    special = st.sampled_from([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 1.0078125, 1.0009765625, 6e-8, 1e-40, 0.1])
    plain = arrays.arrays(np.dtype(np.float64), shapes, elements=special).map(lambda values: values.astype(dtype))
    short = arrays.arrays(np.dtype(np.uint16), shapes).map(
        lambda values: (values.astype(np.uint32) << 16).view(np.float32).astype(dtype)
    )
    return st.one_of(words.map(lambda values: values.view(dtype)), plain, short)


@settings(database=None, deadline=None, max_examples=150)
@given(st.dictionaries(st.sampled_from("abc"), st.sampled_from(KINDS).flatmap(numbers), min_size=1))
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast", "ignore:overflow encountered in cast")
def test_every_bit_of_every_dtype_and_shape_comes_back(tmp_path_factory, tensors) -> None:
    directory = tmp_path_factory.getbasetemp() / "bits"
    written = Baseline({"torch": "0"})
    cell = CellSpec("a cell", API, "torch.optim.Adam", {"ask": "surface"})
    written.add(cell, Recording({}, tensors))
    save(written, directory)
    loaded = load(directory).recording("a cell").tensors
    assert loaded.keys() == tensors.keys()
    for name, values in tensors.items():
        assert (loaded[name].dtype, loaded[name].shape) == (values.dtype, values.shape)
        assert loaded[name].tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        (np.array([1.0, -0.0, np.inf, np.nan, 2.0**100]), "uint16"),
        (np.array([1.0009765625], np.float32), "float16"),
        (np.array([0.1], np.float32), "float32"),
        (np.array([float(np.float32(0.1))]), "float32"),
        (np.array([0.1]), "float64"),
        (np.array([1, 2]), "int64"),
    ],
)
def test_numbers_are_stored_in_the_narrowest_format_that_holds_them(values, stored: str, tmp_path: Path) -> None:
    written = Baseline({"torch": "0"})
    written.add(CellSpec("a cell", API, "torch.optim.Adam", {"ask": "surface"}), Recording({}, {"a": values}))
    save(written, tmp_path)
    (on_disk,) = unpacked((tmp_path / "Adam.safetensors").read_bytes()).values()
    assert on_disk.dtype == np.dtype(stored)


def test_complex_tensors_of_a_saved_state_come_back(tmp_path: Path) -> None:
    values = np.array([1 + 2j, complex(-0.0, np.inf)], np.complex64)
    written = Baseline({"torch": "0"})
    written.add(CellSpec("a cell", API, "torch.optim.Adam", {"ask": "surface"}), Recording({}, {"a": values}))
    save(written, tmp_path)
    assert load(tmp_path).recording("a cell").tensors["a"].tobytes() == values.tobytes()
