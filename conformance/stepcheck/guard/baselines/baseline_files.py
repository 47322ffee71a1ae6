"""Baselines on disk: a directory of safetensors files and one JSON manifest; nothing in it is a pickle.

The manifest lists every file and holds a digest of itself; each tensor is named by its own digest. ``save`` replaces
each file atomically, tensors first and the manifest last. If it is interrupted in between, either the old manifest
still finds all its tensors, or ``load`` refuses the baseline: it never reads a mixture of two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from stepcheck import files
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import Baseline, StoredCell, file_of
from stepcheck.guard.baselines.tensor_store import Tensors, json_digest, json_text, tensor_digest

FORMAT = 1
MANIFEST = "manifest.json"
UNFINISHED = ".recording"
"""The folder in which an unfinished recording keeps the targets that it has finished."""

_SUFFIX = ".safetensors"


class BadBaseline(WrongRequest):
    """A directory that holds no baseline, or one that is damaged or was changed after it was written."""


def save(baseline: Baseline, directory: Path) -> None:
    """Write ``baseline``, tensors first and the manifest last; raises OSError.

    Tensor files that only the previous manifest lists are deleted, others are left alone.
    """
    from safetensors.numpy import save as packed

    directory.mkdir(parents=True, exist_ok=True)
    before = _tensor_files(directory / MANIFEST)
    counts = {}
    for stem, tensors in sorted(baseline.tensors.items()):
        if tensors:
            files.write_bytes(directory / f"{stem}{_SUFFIX}", packed(dict(sorted(tensors.items()))))
            counts[f"{stem}{_SUFFIX}"] = len(tensors)
    files.write(directory / MANIFEST, _manifest(baseline, counts))
    for name in before - set(counts):
        (directory / name).unlink(missing_ok=True)


def _tensor_files(manifest: Path) -> set[str]:
    """Return the names of the tensor files that a manifest lists; none where it is damaged or missing."""
    try:
        names = json.loads(manifest.read_text("utf-8"))["files"]
        return {name for name in names if Path(name).name == name and name.endswith(_SUFFIX)}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _manifest(baseline: Baseline, counts: Mapping[str, int]) -> str:
    """Return the text of the manifest; a line for each shared value and cell, so that version control shows changes."""
    cells = {name: [getattr(stored, each.name) for each in fields(stored)] for name, stored in baseline.cells.items()}
    parts = {
        "format": FORMAT,
        "environment": baseline.environment,
        "wanted": baseline.selection,
        "files": counts,
        "shared": dict(sorted(baseline.shared.items())),
        "cells": cells,
        "accepted": baseline.accepted,
    }
    lines = []
    for name, value in parts.items():
        if name in ("shared", "cells", "accepted") and value:
            inner = ",\n".join(f"  {json_text(key)}: {json_text(entry)}" for key, entry in value.items())  # type: ignore[attr-defined]
            lines.append(f'"{name}": {{\n{inner}\n}}')
        else:
            lines.append(f'"{name}": {json_text(value)}')
    return "{\n" + ",\n".join([f'"digest": "{json_digest(parts)}"', *lines]) + "\n}\n"


def load(directory: Path) -> Baseline:
    """Return the baseline in ``directory``, every byte of it verified.

    Raises BadBaseline, which names the file and what is wrong with it.
    """
    path = directory / MANIFEST
    if not directory.is_dir():
        raise BadBaseline(f"baseline={directory}, but should be a directory that `stepcheck guard record` made")
    if not path.exists():
        if (directory / UNFINISHED).is_dir():
            raise BadBaseline(
                f"baseline={directory}, but its recording was interrupted; `stepcheck guard record {directory}` "
                "resumes it"
            )
        raise BadBaseline(f"baseline={directory}, but there is no {MANIFEST} in it")
    try:
        return _load(directory, path)
    except BadBaseline as error:
        raise BadBaseline(
            f"{error}; restore it, or record it again with `stepcheck guard record --force {directory}`"
        ) from error


def _load(directory: Path, path: Path) -> Baseline:
    try:
        raw = json.loads(path.read_text("utf-8"))
        digest = raw.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise BadBaseline(f"{path} is damaged ({error!r})") from error
    if raw.get("format") != FORMAT:
        raise BadBaseline(f"{path} has format={raw.get('format')!r}, but this stepcheck reads format {FORMAT}")
    if digest != json_digest(raw):
        raise BadBaseline(f"{path} was changed after it was written: its digest is not {digest}")
    try:
        cells = {name: StoredCell(*entry) for name, entry in raw["cells"].items()}
        tensors = {}
        for name in raw["files"]:
            users = sorted(cell for cell, stored in cells.items() if f"{file_of(stored.target)}{_SUFFIX}" == name)
            tensors[name.removesuffix(_SUFFIX)] = _load_tensors(directory / name, users)
        baseline = Baseline(raw["environment"], raw["wanted"], raw["shared"], cells, raw["accepted"], tensors)
        for name, stored in cells.items():
            missing = set(baseline.shared[stored.tensors]) - set(tensors.get(file_of(stored.target), {}))
            if missing:
                file = directory / f"{file_of(stored.target)}{_SUFFIX}"
                raise BadBaseline(f"{file} lacks a tensor of {name}: {min(missing)}")
        return baseline
    except (KeyError, TypeError, AttributeError) as error:
        raise BadBaseline(f"{path} is not a manifest ({error!r})") from error


def _load_tensors(path: Path, users: list[str]) -> Tensors:
    """Return the tensors of one file; ``users`` are the cells that lose their recordings where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    lost = f"the recordings of {len(users)} cells ({users[0]}, ...)" if users else "accepted changes"
    try:
        tensors = unpacked(path.read_bytes())
    except OSError as error:
        raise BadBaseline(f"{path} is missing ({error.strerror}), and with it {lost}") from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise BadBaseline(f"{path} is damaged ({error}), and with it {lost}") from error
    for key, values in tensors.items():
        if values.ndim != 1 or key != tensor_digest(values):
            raise BadBaseline(f"{path} was changed after it was written: tensor {key} does not have its digest")
    return dict(tensors)
