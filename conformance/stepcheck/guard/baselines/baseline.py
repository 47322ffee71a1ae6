"""Baselines: recordings in a directory, tensors in safetensors files and everything else in one JSON manifest.

Nothing in it is a pickle. Every tensor is stored once a file under a digest of its bytes, in the narrowest format that
holds its values exactly; JSON values that many cells share are stored once under theirs. So a baseline that was torn or
tampered with is found out, and two recordings of the same thing are the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepcheck import files
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.corpus.spec import Asked
from stepcheck_implementations.recorder.recording import Recording

FORMAT = 1
MANIFEST = "manifest.json"
PARTS = ".recording"
"""Where a recording that is not finished keeps what it has."""

Tensors = dict[str, NDArray[Any]]


class BadBaseline(WrongRequest):
    """A directory that holds no baseline, or one that is not as it was written."""


@dataclass(slots=True)
class Kept:
    """A cell in a baseline: what was asked, and what came of it.

    All but the first three are digests of shared values; ``keys`` of the list of tensors' digests, in the order of the
    ``names``.
    """

    kind: str
    target: str
    rule: str
    request: str
    adapter: str
    cell: str
    facts: str
    names: str
    keys: str


@dataclass(slots=True)
class Baseline:
    """All recordings of one torch in one environment; ``tensors`` holds each once under its digest, by file."""

    environment: dict[str, Any]
    wanted: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, Kept] = field(default_factory=dict)
    accepted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tensors: dict[str, Tensors] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def torch(self) -> str:
        """The release of torch that was recorded, as in "2.13.0+cpu"."""
        return str(self.environment["torch"])

    def share(self, value: Any) -> str:
        """Keep a JSON value; return its digest."""
        text = _text(value)
        key = _digest(text.encode())
        self.shared.setdefault(key, value)
        return key

    def add(self, asked: Asked, recording: Recording) -> None:
        """Keep a recording of a cell, in place of the one it has if it has one."""
        self.cells[asked.id] = self._kept(asked, recording, file_of(asked.target))

    def accept(self, asked: Asked, recording: Recording, said: Mapping[str, str]) -> None:
        """Keep a recording beside the cell's own as one that is as good; ``said`` tells date, torch and reason."""
        kept = self._kept(asked, recording, "accepted")
        entry = {**said, "facts": kept.facts, "names": kept.names, "keys": kept.keys}
        self.accepted.setdefault(asked.id, []).append(entry)

    def asked(self, cell: str) -> Asked:
        """Return what was asked of ``cell``."""
        kept = self.cells[cell]
        request = {key: self._whole(value) for key, value in self.shared[kept.request].items()}
        return Asked(
            cell, kept.kind, kept.target, request, self.shared[kept.adapter], self.shared[kept.cell], kept.rule
        )

    def recording(self, cell: str) -> Recording:
        """Return what came of ``cell``."""
        kept = self.cells[cell]
        return self._recording(kept.facts, kept.names, kept.keys, file_of(kept.target))

    def acceptances(self, cell: str) -> Iterator[tuple[dict[str, Any], Recording]]:
        """Yield what was accepted of ``cell``, the latest first, with its recording."""
        for entry in reversed(self.accepted.get(cell, [])):
            yield entry, self._recording(entry["facts"], entry["names"], entry["keys"], "accepted")

    def same(self, cell: str, recording: Recording) -> bool:
        """Whether ``recording`` is, bit by bit, what came of ``cell``."""
        kept = self.cells[cell]
        names, tensors = _stored(recording)
        return (
            kept.facts == _digest(_text(_split(recording.facts)[0]).encode())
            and kept.names == _digest(_text(names).encode())
            and self.shared[kept.keys] == [key for key, _ in tensors]
        )

    def _kept(self, asked: Asked, recording: Recording, file: str) -> Kept:
        names, tensors = _stored(recording)
        held = self.tensors.setdefault(file, {})
        for key, values in tensors:
            held.setdefault(key, values)
        facts, shared = _split(recording.facts)
        for value in shared:
            self.share(value)
        request = {key: self._shared(value) for key, value in asked.request.items()}
        plain = (request, asked.adapter, asked.cell, facts, names, [key for key, _ in tensors])
        return Kept(asked.kind, asked.target, asked.rule, *map(self.share, plain))

    def _shared(self, value: Any) -> Any:
        """Return a value of a request with its scripts, which are long, replaced by their digests."""
        if isinstance(value, list) and value and all(isinstance(entry, str) and entry[:1] == "{" for entry in value):
            return {"shared": [self.share(json.loads(entry)) for entry in value]}
        return value

    def _whole(self, value: Any) -> Any:
        if isinstance(value, dict) and list(value) == ["shared"]:
            return [self._written(key) for key in value["shared"]]
        return value

    def _written(self, key: str) -> str:
        """Return a shared value as text, which many cells ask for."""
        if key not in self.texts:
            self.texts[key] = _text(self.shared[key])
        return self.texts[key]

    def _recording(self, facts: str, names: str, keys: str, file: str) -> Recording:
        held, pairs = self.tensors.get(file, {}), zip(self.shared[names], self.shared[keys], strict=True)
        tensors = {name: _widened(held[key], char, shape) for (name, char, *shape), key in pairs}
        return Recording(_joined(self.shared[facts], self.shared), tensors)


def file_of(target: str) -> str:
    """Return the stem of the file that holds the tensors of a class."""
    name = target.removeprefix("torch.optim.")
    if name.startswith(("lr_scheduler.", "swa_utils.")):
        return "schedules"
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)


def save(baseline: Baseline, directory: Path) -> None:
    """Write ``baseline``, tensors first and the manifest last, so that it is whole or seen not to be.

    Raises OSError.
    """
    from safetensors.numpy import save as packed

    directory.mkdir(parents=True, exist_ok=True)
    before = _files(directory / MANIFEST)
    table = {}
    for stem, tensors in sorted(baseline.tensors.items()):
        if tensors:
            files.write_bytes(directory / f"{stem}.safetensors", packed(dict(sorted(tensors.items()))))
            table[f"{stem}.safetensors"] = len(tensors)
    files.write(directory / MANIFEST, _manifest(baseline, table))
    for name in before - set(table):
        (directory / name).unlink(missing_ok=True)


def _files(manifest: Path) -> set[str]:
    """Return the names of the files of tensors that a manifest lists; none where it is torn or not there."""
    try:
        names = json.loads(manifest.read_text("utf-8"))["files"]
        return {name for name in names if Path(name).name == name and name.endswith(".safetensors")}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _manifest(baseline: Baseline, table: Mapping[str, int]) -> str:
    cells = {name: [getattr(kept, each.name) for each in fields(kept)] for name, kept in baseline.cells.items()}
    parts = {
        "format": FORMAT,
        "environment": baseline.environment,
        "wanted": baseline.wanted,
        "files": table,
        "shared": dict(sorted(baseline.shared.items())),
        "cells": cells,
        "accepted": baseline.accepted,
    }
    lines = []
    for name, value in parts.items():
        if name in ("shared", "cells", "accepted") and value:
            inner = ",\n".join(f"  {_text(key)}: {_text(entry)}" for key, entry in value.items())  # type: ignore[attr-defined]
            lines.append(f'"{name}": {{\n{inner}\n}}')
        else:
            lines.append(f'"{name}": {_text(value)}')
    digest = _digest(_text(parts).encode())
    return "{\n" + ",\n".join([f'"digest": "{digest}"', *lines]) + "\n}\n"


def load(directory: Path) -> Baseline:
    """Return the baseline in ``directory``, every byte of it verified.

    Raises BadBaseline, naming the file and what is wrong with it.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise BadBaseline(f"baseline={directory}, but should be a directory that `stepcheck guard record` made")
    if not path.exists():
        if (directory / PARTS).is_dir():
            raise BadBaseline(
                f"baseline={directory}, but its recording was interrupted; `stepcheck guard record {directory}` goes on"
            )
        raise BadBaseline(f"baseline={directory}, but there is no {MANIFEST} in it")
    try:
        return _loaded(directory, path)
    except BadBaseline as error:
        raise BadBaseline(
            f"{error}; put back what it was, or record it anew with `stepcheck guard record --force {directory}`"
        ) from error


def _loaded(directory: Path, path: Path) -> Baseline:
    try:
        raw = json.loads(path.read_text("utf-8"))
        digest = raw.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadBaseline(f"{path} is torn ({error!r})") from error
    if raw.get("format") != FORMAT:
        raise BadBaseline(f"{path} has format={raw.get('format')!r}, but this stepcheck reads format {FORMAT}")
    if digest != _digest(_text(raw).encode()):
        raise BadBaseline(f"{path} was changed after it was written: it does not have its own digest {digest}")
    try:
        cells = {name: Kept(*entry) for name, entry in raw["cells"].items()}
        held = {}
        for name in raw["files"]:
            users = sorted(cell for cell, kept in cells.items() if f"{file_of(kept.target)}.safetensors" == name)
            held[name.removesuffix(".safetensors")] = _tensors(directory / name, users)
        baseline = Baseline(raw["environment"], raw["wanted"], raw["shared"], cells, raw["accepted"], held)
        for name, kept in cells.items():
            missing = set(baseline.shared[kept.keys]) - set(held.get(file_of(kept.target), {}))
            if missing:
                file = directory / f"{file_of(kept.target)}.safetensors"
                raise BadBaseline(f"{file} lacks a tensor of {name}: {min(missing)}")
        return baseline
    except (KeyError, TypeError, AttributeError) as error:
        raise BadBaseline(f"{path} is no manifest ({error!r})") from error


def _tensors(path: Path, users: list[str]) -> Tensors:
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    what = f"the recordings of {len(users)} cells ({users[0]}, ...)" if users else "accepted changes"
    try:
        found = unpacked(path.read_bytes())
    except OSError as error:
        raise BadBaseline(f"{path} is missing ({error.strerror}), and with it {what}") from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadBaseline(f"{path} is torn ({error}), and with it {what}") from error
    for key, values in found.items():
        if values.ndim != 1 or key != _key(values):
            raise BadBaseline(f"{path} was changed after it was written: tensor {key} does not have its digest")
    return dict(found)


def _stored(recording: Recording) -> tuple[list[list[Any]], list[tuple[str, NDArray[Any]]]]:
    """Return the names of a recording's tensors with format and shape, and each in the narrowest with its digest."""
    names: list[list[Any]] = []
    tensors = []
    for name, values in sorted(recording.tensors.items()):
        shape = [] if values.ndim == 1 else list(values.shape) or [None]
        names.append([name, values.dtype.char, *shape])
        narrow = _narrowed(np.ascontiguousarray(values).reshape(-1))
        tensors.append((_key(narrow), narrow))
    return names, tensors


def _key(values: NDArray[Any]) -> str:
    return _digest(values.dtype.str.encode() + values.tobytes())


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def _narrowed(values: NDArray[Any]) -> NDArray[Any]:
    """Return ``values`` in the narrowest of bfloat16 (as uint16), float16, float32 and their own that holds them."""
    if values.dtype.kind != "f":
        return values
    bits = np.uint32 if values.dtype == np.float32 else np.uint64
    with np.errstate(all="ignore"):
        single = values.astype(np.float32)
        if values.dtype == np.float64 and not np.array_equal(single.astype(np.float64).view(bits), values.view(bits)):
            return values
        words = single.view(np.uint32)
        if not (words & np.uint32(0xFFFF)).any():
            return (words >> np.uint32(16)).astype(np.uint16)
        half = single.astype(np.float16)
        return half if np.array_equal(half.astype(np.float32).view(np.uint32), words) else single


def _widened(values: NDArray[Any], char: str, shape: list[int | None]) -> NDArray[Any]:
    """Return ``values`` as they were; ``shape`` is empty for a list of numbers, and [None] for a number."""
    kind = np.dtype(char)
    if kind.kind == "f" and values.dtype == np.uint16:
        values = (values.astype(np.uint32) << np.uint32(16)).view(np.float32)
    values = values.astype(kind)
    return values.reshape([size for size in shape if size is not None]) if shape else values


def _split(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Return ``facts`` with each run's replaced by its digest, and those."""
    if "runs" not in facts:
        return dict(facts), []
    runs = facts["runs"]
    return {**facts, "runs": {label: _digest(_text(run).encode()) for label, run in runs.items()}}, list(runs.values())


def _joined(facts: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    if "runs" not in facts:
        return dict(facts)
    return {**facts, "runs": {label: shared[key] for label, key in facts["runs"].items()}}


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)
