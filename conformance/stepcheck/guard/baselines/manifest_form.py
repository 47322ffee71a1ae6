"""The form of a manifest: what has which type, and that every digest in it stands for something in it.

``check_form`` looks at what every command needs. What single cells hold is checked where they are used
(``recorded_content``), and what of it may be imported in ``names``.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from stepcheck.guard.baselines.baseline import StoredCell
from stepcheck.guard.corpus.cell_spec import KINDS

_TEXTS = ("torch", "python", "numpy", "platform", "capability")
_LISTS = ("modes", "dtypes", "devices")
_ACCEPTANCE = ("date", "torch", "reason", "facts", "names", "keys")
_CELL = tuple(entry.name for entry in fields(StoredCell))
_LONGEST = 80


class BadForm(ValueError):
    """A manifest that is none; the message says where and what should be there."""


def check_form(raw: dict[str, Any]) -> None:
    """Raise BadForm where ``raw``, a manifest without its digest, is not what ``save`` writes."""
    environment, _, shared = (_dict(raw.get(key), key) for key in ("environment", "wanted", "shared"))
    _text(environment.get("torch"), "environment.torch")
    for name, count in _dict(raw.get("files"), "files").items():
        _require(_is_count(count), f"files.{name}", "a number of tensors")
    for cell, entry in _dict(raw.get("cells"), "cells").items():
        _require(isinstance(entry, list) and len(entry) == len(_CELL), f"cells.{cell}", f"a list of {len(_CELL)} texts")
        _texts(entry, f"cells.{cell}")
        _check_cell(StoredCell(*entry), shared, f"cells.{cell}")
    for cell, entries in _dict(raw.get("accepted"), "accepted").items():
        _require(isinstance(entries, list), f"accepted.{cell}", "a list")
        for entry in entries:
            where = f"accepted.{cell}"
            _require(set(_dict(entry, where)) == set(_ACCEPTANCE), where, f"{', '.join(_ACCEPTANCE)}")
            _texts(list(entry.values()), where)
            _check_recording(entry["facts"], entry["names"], entry["keys"], shared, where)


def check_circumstances(environment: dict[str, Any], selection: dict[str, Any]) -> None:
    """Raise BadForm where what a whole baseline, not that of a part, says of its recording is not what it says."""
    for name in _TEXTS:
        _text(environment.get(name), f"environment.{name}")
    _texts(environment.get("devices"), "environment.devices")
    for name, device in _dict(environment.get("device_names"), "environment.device_names").items():
        _text(device, f"environment.device_names.{name}")
    _check_selection(selection)


def _check_selection(selection: dict[str, Any]) -> None:
    targets = selection.get("targets")
    _require(isinstance(targets, list), "wanted.targets", "a list of targets and rules")
    for pair in targets or ():
        _require(isinstance(pair, list) and len(pair) == 2, "wanted.targets", "a list of targets and rules")
        _text(pair[0], "wanted.targets")
        _require(pair[1] is None or isinstance(pair[1], str), "wanted.targets", "a list of targets and rules")
    for name in _LISTS:
        _texts(selection.get(name), f"wanted.{name}")
    _text(selection.get("shard", ""), "wanted.shard")


def _check_cell(stored: StoredCell, shared: dict[str, Any], where: str) -> None:
    _require(stored.kind in KINDS, f"{where}.kind", f"one of {', '.join(KINDS)}")
    request = _dict(_shared(shared, stored.request, f"{where}.request"), f"{where}.request")
    for name, value in request.items():
        if isinstance(value, dict) and list(value) == ["shared"]:
            for key in _texts(value["shared"], f"{where}.request.{name}"):
                _shared(shared, key, f"{where}.request.{name}")
    adapter, opened = (_shared(shared, key, where) for key in (stored.adapter, stored.cell))
    _require((adapter is None) == (opened is None), where, "an adapter and a cell, or neither")
    for value in (adapter, opened):
        _require(value is None or isinstance(value, dict), where, "an adapter and a cell, or neither")
    _check_recording(stored.facts, stored.signatures, stored.tensors, shared, where)


def _check_recording(facts: str, signatures: str, keys: str, shared: dict[str, Any], where: str) -> None:
    for key in _dict(_dict(_shared(shared, facts, where), where).get("runs", {}), f"{where}.runs").values():
        _dict(_shared(shared, _text(key, f"{where}.runs"), f"{where}.runs"), f"{where}.runs")
    names, digests = _shared(shared, signatures, where), _texts(_shared(shared, keys, where), where)
    _require(isinstance(names, list) and len(names) == len(digests), where, "as many tensors as digests of them")
    for signature in names:
        _require(isinstance(signature, list) and len(signature) >= 2, where, "the name and dtype of each tensor")
        _texts(signature[:2], where)
        _require(all(size is None or _is_count(size) for size in signature[2:]), where, "the shape of each tensor")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 40


def _shared(shared: dict[str, Any], key: str, where: str) -> Any:
    _require(key in shared, where, f"something under the digest {key[:_LONGEST]}, which is missing")
    return shared[key]


def _dict(value: Any, where: str) -> dict[str, Any]:
    _require(isinstance(value, dict), where, "an object")
    entries: dict[str, Any] = value
    return entries


def _text(value: Any, where: str) -> str:
    _require(isinstance(value, str), where, "a text")
    return str(value)


def _texts(value: Any, where: str) -> list[str]:
    _require(isinstance(value, list) and all(isinstance(entry, str) for entry in value), where, "a list of texts")
    entries: list[str] = value
    return entries


def _require(holds: bool, where: str, wanted: str) -> None:
    if not holds:
        raise BadForm(f"{where[:_LONGEST]} should be {wanted}")
