"""Baselines on disk: a directory of safetensors files and one JSON manifest; nothing in it is a pickle.

The manifest lists every file and holds a digest of itself; each tensor is named by its own digest. ``save`` replaces
each file atomically, tensors first and the manifest last. If it is interrupted in between, either the old manifest
still finds all its tensors, or ``load`` refuses the baseline: it never reads a mixture of two.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from stepcheck import files
from stepcheck.certification.request import WrongRequest
from stepcheck.guard.baselines.baseline import ACCEPTED, Baseline, StoredCell, file_of
from stepcheck.guard.baselines.manifest_form import BadForm, check_form
from stepcheck.guard.baselines.tensor_store import Tensors, json_digest, json_text, tensor_digest

FORMAT = 1
MANIFEST = "manifest.json"
UNFINISHED = ".recording"
"""The folder in which an unfinished recording keeps the targets that it has finished."""

_SUFFIX = ".safetensors"
_LARGEST_MANIFEST = 1 << 29
_LARGEST_TENSORS = 1 << 33
"""Bytes that are read of a file; a baseline of all of torch.optim has less than a hundredth of them."""
_LONGEST = 160


class BadBaseline(WrongRequest):
    """A directory that holds no baseline, or one that is damaged or was changed after it was written."""


def save(baseline: Baseline, directory: Path) -> None:
    """Write ``baseline``, tensors first and the manifest last; raises OSError.

    Tensor files that only the previous manifest lists are deleted, others are left alone.
    """
    from safetensors.numpy import save as packed

    directory.mkdir(parents=True, exist_ok=True)
    before = _tensor_files(directory)
    counts = {}
    for stem, tensors in sorted(baseline.tensors.items()):
        if tensors:
            files.write_bytes(directory / f"{stem}{_SUFFIX}", packed(dict(sorted(tensors.items()))))
            counts[f"{stem}{_SUFFIX}"] = len(tensors)
    files.write(directory / MANIFEST, _manifest(baseline, counts))
    for name in before - set(counts):
        (directory / name).unlink(missing_ok=True)


def _tensor_files(directory: Path) -> set[str]:
    """Return the names of the tensor files that the manifest lists; none where it is damaged or missing."""
    try:
        names = json.loads(files.read_inside(directory, MANIFEST, _LARGEST_MANIFEST).decode("utf-8"))["files"]
        return {name for name in names if Path(name).name == name and name.endswith(_SUFFIX)}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
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
    try:
        is_directory, missing = directory.is_dir(), not os.path.lexists(path)
    except (OSError, ValueError) as error:
        raise BadBaseline(f"baseline={directory}, but it cannot be read ({_why(error)})") from error
    if not is_directory:
        raise BadBaseline(f"baseline={directory}, but should be a directory that `stepcheck guard record` made")
    if missing:
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
        raw = json.loads(files.read_inside(directory, MANIFEST, _LARGEST_MANIFEST).decode("utf-8"))
        digest = raw.pop("digest")
        if raw.get("format") != FORMAT:
            found = repr(raw.get("format"))[:40]
            raise BadBaseline(f"{path} has format={found}, but this stepcheck reads format {FORMAT}")
        if digest != json_digest(raw):
            raise BadBaseline(f"{path} was changed after it was written: its digest is not {str(digest)[:40]}")
    except BadBaseline:
        raise
    except RecursionError as error:
        raise BadBaseline(f"{path} is damaged (it is nested too deeply)") from error
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise BadBaseline(f"{path} is damaged ({_why(error)})") from error
    try:
        check_form(raw)
    except BadForm as error:
        raise BadBaseline(f"{path} is not a manifest ({error})") from error
    cells = {name: StoredCell(*entry) for name, entry in raw["cells"].items()}
    tensors = {}
    for name in raw["files"]:
        if Path(name).name != name or not name.endswith(_SUFFIX):
            raise BadBaseline(f"{path} lists {name[:80]!r}, but should list the names of {_SUFFIX} files beside it")
        users = sorted(cell for cell, stored in cells.items() if f"{file_of(stored.target)}{_SUFFIX}" == name)
        tensors[name.removesuffix(_SUFFIX)] = _load_tensors(directory, name, users)
    baseline = Baseline(raw["environment"], raw["wanted"], raw["shared"], cells, raw["accepted"], tensors)
    used = [(name, file_of(stored.target), stored.tensors) for name, stored in cells.items()]
    used += [(name, ACCEPTED, entry["keys"]) for name, entries in raw["accepted"].items() for entry in entries]
    for name, stem, keys in used:
        missing = set(baseline.shared[keys]) - set(tensors.get(stem, {}))
        if missing:
            raise BadBaseline(f"{directory / stem}{_SUFFIX} lacks a tensor of {name[:80]}: {min(missing)[:40]}")
    return baseline


def _why(error: BaseException) -> str:
    """Return what is wrong in some words: the text of an error may hold the whole file."""
    if isinstance(error, OSError):
        return error.strerror or str(error)[:_LONGEST]
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return f"it lacks {error}"[:_LONGEST] if isinstance(error, LookupError) else str(error)[:_LONGEST]


def _load_tensors(directory: Path, name: str, users: list[str]) -> Tensors:
    """Return the tensors of one file; ``users`` are the cells that lose their recordings where it cannot be read."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpacked

    path = directory / name
    lost = f"the recordings of {len(users)} cells ({users[0][:80]}, ...)" if users else "accepted changes"
    try:
        tensors = unpacked(files.read_inside(directory, name, _LARGEST_TENSORS))
    except FileNotFoundError as error:
        raise BadBaseline(f"{path} is missing ({error.strerror}), and with it {lost}") from error
    except OSError as error:
        raise BadBaseline(f"{path} cannot be read ({_why(error)}), and with it {lost}") from error
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, MemoryError) as error:
        raise BadBaseline(f"{path} is damaged ({_why(error)}), and with it {lost}") from error
    for key, values in tensors.items():
        if values.ndim != 1 or key != tensor_digest(values):
            raise BadBaseline(f"{path} was changed after it was written: tensor {key[:40]} does not have its digest")
    return dict(tensors)
