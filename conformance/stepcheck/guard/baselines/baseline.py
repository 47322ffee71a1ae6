"""Baselines in memory: recordings whose tensors and JSON values are stored once, under their digests.

So a baseline that was damaged or tampered with is detected, and two recordings of the same thing are the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stepcheck.guard.baselines.tensor_store import Tensors, json_digest, json_text, pack_tensors, unpack_tensor
from stepcheck.guard.corpus.cell_spec import CellSpec
from stepcheck_implementations.recorder.recording import Recording

ACCEPTED = "accepted"
"""The stem of the file that holds the tensors of accepted recordings."""


@dataclass(slots=True)
class StoredCell:
    """A cell in a baseline: its spec and its recording.

    All but the first three fields are digests of shared values; ``tensors`` is that of the list of the tensors'
    digests, in the order of the ``signatures``.
    """

    kind: str
    target: str
    rule: str
    request: str
    adapter: str
    cell: str
    facts: str
    signatures: str
    tensors: str


@dataclass(slots=True)
class Baseline:
    """All recordings of one torch in one environment; ``tensors`` holds each once under its digest, by file."""

    environment: dict[str, Any]
    selection: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)
    cells: dict[str, StoredCell] = field(default_factory=dict)
    accepted: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tensors: dict[str, Tensors] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def torch(self) -> str:
        """The release of torch that was recorded, as in "2.13.0+cpu"."""
        return str(self.environment["torch"])

    def share(self, value: Any) -> str:
        """Store a JSON value; return its digest."""
        key = json_digest(value)
        self.shared.setdefault(key, value)
        return key

    def add(self, spec: CellSpec, recording: Recording) -> None:
        """Store a recording of a cell, in place of the one that it may have."""
        self.cells[spec.id] = self._store(spec, recording, file_of(spec.target))

    def accept(self, spec: CellSpec, recording: Recording, acceptance: Mapping[str, str]) -> None:
        """Store an accepted recording next to the cell's own; ``acceptance`` holds date, torch and reason."""
        stored = self._store(spec, recording, ACCEPTED)
        entry = {**acceptance, "facts": stored.facts, "names": stored.signatures, "keys": stored.tensors}
        self.accepted.setdefault(spec.id, []).append(entry)

    def spec(self, cell: str) -> CellSpec:
        """Return the spec of ``cell``."""
        stored = self.cells[cell]
        request = {key: self._expanded(value) for key, value in self.shared[stored.request].items()}
        adapter, opened = self.shared[stored.adapter], self.shared[stored.cell]
        return CellSpec(cell, stored.kind, stored.target, request, adapter, opened, stored.rule)

    def recording(self, cell: str) -> Recording:
        """Return the recording of ``cell``."""
        stored = self.cells[cell]
        return self._load(stored.facts, stored.signatures, stored.tensors, file_of(stored.target))

    def acceptances(self, cell: str) -> Iterator[tuple[dict[str, Any], Recording]]:
        """Yield the acceptances of ``cell``, the latest first, each with its recording."""
        for entry in reversed(self.accepted.get(cell, [])):
            yield entry, self._load(entry["facts"], entry["names"], entry["keys"], ACCEPTED)

    def same(self, cell: str, recording: Recording) -> bool:
        """Whether ``recording`` is bitwise identical to that of ``cell``."""
        stored = self.cells[cell]
        signatures, tensors = pack_tensors(recording)
        return (
            stored.facts == json_digest(_split_runs(recording.facts)[0])
            and stored.signatures == json_digest(signatures)
            and self.shared[stored.tensors] == [key for key, _ in tensors]
        )

    def _store(self, spec: CellSpec, recording: Recording, file: str) -> StoredCell:
        signatures, tensors = pack_tensors(recording)
        stored = self.tensors.setdefault(file, {})
        for key, values in tensors:
            stored.setdefault(key, values)
        facts, runs = _split_runs(recording.facts)
        for run in runs:
            self.share(run)
        request = {key: self._shortened(value) for key, value in spec.request.items()}
        shared = (request, spec.adapter, spec.cell, facts, signatures, [key for key, _ in tensors])
        return StoredCell(spec.kind, spec.target, spec.rule, *map(self.share, shared))

    def _load(self, facts: str, signatures: str, keys: str, file: str) -> Recording:
        stored, pairs = self.tensors.get(file, {}), zip(self.shared[signatures], self.shared[keys], strict=True)
        tensors = {name: unpack_tensor(stored[key], char, shape) for (name, char, *shape), key in pairs}
        return Recording(_join_runs(self.shared[facts], self.shared), tensors)

    def _shortened(self, value: Any) -> Any:
        """Return a value of a request with its scripts, which are long, replaced by their digests."""
        if isinstance(value, list) and value and all(isinstance(entry, str) and entry[:1] == "{" for entry in value):
            return {"shared": [self.share(json.loads(entry)) for entry in value]}
        return value

    def _expanded(self, value: Any) -> Any:
        if isinstance(value, dict) and list(value) == ["shared"]:
            return [self._text(key) for key in value["shared"]]
        return value

    def _text(self, key: str) -> str:
        """Return a shared value as text; scripts are shared by many cells, so each is made once."""
        if key not in self.texts:
            self.texts[key] = json_text(self.shared[key])
        return self.texts[key]


def file_of(target: str) -> str:
    """Return the stem of the file that holds the tensors of a class."""
    name = target.removeprefix("torch.optim.")
    if name.startswith(("lr_scheduler.", "swa_utils.")):
        return "schedules"
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)


def _split_runs(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """Return ``facts`` with the facts of each run replaced by their digest, and the facts of the runs."""
    if "runs" not in facts:
        return dict(facts), []
    runs = facts["runs"]
    return {**facts, "runs": {label: json_digest(run) for label, run in runs.items()}}, list(runs.values())


def _join_runs(facts: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    if "runs" not in facts:
        return dict(facts)
    return {**facts, "runs": {label: shared[key] for label, key in facts["runs"].items()}}
