"""``certify --out DIR`` resumes: results that an interrupted run of the same request left in DIR are not run again.

``request.json`` in DIR says what was requested, and of what: a digest of the target's sources and of stepcheck's own,
and the releases that a verdict depends on. Another request's results are refused. Results of the same request are taken
where all of that is the same and the run was not finished; in every other case everything runs anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.machinery
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from stepcheck import files
from stepcheck.certification.certificate import CellResult, from_json
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.guard.environments.package_sources import digest_of, sources_of
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.rule_names import is_place, parts_of
from stepcheck_reference.verdict import NO_CLAIM

REQUEST = "request.json"
CERTIFICATE = "certificate.json"
CELLS = "cells"
FAILURES = "failures"

_PACKAGES = ("stepcheck_reference", "stepcheck_implementations", "stepcheck_properties", "stepcheck")
_LARGEST = 1 << 28
_SUFFIXES = (".py", ".so", ".pyd")
_MOST_FILES = 20_000


def check_directory(path: Path, request: Request) -> None:
    """Raise WrongRequest where ``path`` holds results of another request than this one."""
    if not path.is_dir():
        return
    before, now = _read(path, REQUEST).get("request"), requested(request)
    written = before if isinstance(before, dict) else now
    # A field that one of both does not have, as one of another release, is one that was not given.
    differing = [name for name in {**now, **written} if written.get(name) != now.get(name)]
    if differing and isinstance(before, dict):
        name = differing[0]
        raise WrongRequest(
            f"out={path}, but it holds results of another request, with {name}={_shown(before.get(name))} instead of "
            f"{_shown(now.get(name))}; give another directory, or delete it"
        )
    if before is None and (certificate := _certificate(path)) is not None and certificate.target != request.target:
        raise WrongRequest(
            f"out={path}, but it holds results of another target, {certificate.target}; give another directory, or "
            "delete it"
        )


@dataclass(frozen=True)
class Earlier:
    """What ``path`` holds of an earlier run of ``request``.

    Nothing is taken where the subject's sources are not known, as of an object in this process (``in_process``).
    """

    path: Path
    request: Request
    in_process: bool = False

    def take(
        self, names: Mapping[int, str], cells: Sequence[Cell], versions: Mapping[str, str]
    ) -> dict[int, CellResult]:
        """Return the results that are taken over; others are deleted, and the request is written down.

        ``names`` gives the file of each of ``cells`` that is to be judged, and ``versions`` the releases that a verdict
        depends on now. Raises WrongRequest.
        """
        sources = None if self.in_process else _sources(*_places(self.request))
        record = {"request": requested(self.request), "sources": sources, "versions": dict(versions)}
        same = sources is not None and _read(self.path, REQUEST) == record
        unfinished = same and not _is_finished(self.path)
        taken = dict(self._results(names, cells)) if unfinished else {}
        try:
            if (self.path / REQUEST).is_file() and not unfinished:
                self._delete()
            files.write(self.path / REQUEST, json.dumps(record, indent=1) + "\n")
        except OSError as error:
            raise WrongRequest(f"out={self.path}, but should be writable ({error.strerror or error})") from error
        return taken

    def _results(self, names: Mapping[int, str], cells: Sequence[Cell]) -> Iterator[tuple[int, CellResult]]:
        for number, name in names.items():
            with contextlib.suppress(OSError, msgspec.MsgspecError, ValueError, RecursionError):
                data = files.read_inside(self.path, f"{CELLS}/{name}.json", _LARGEST)
                result = msgspec.json.decode(data, type=CellResult)
                cell = cells[number]
                if _is_of(result, cell) and result.verdict not in NO_CLAIM and result.laws:
                    yield number, result

    def _delete(self) -> None:
        """Delete the results of the earlier run; what is none of stepcheck's files stays."""
        for folder, suffix in ((CELLS, ".json"), (FAILURES, ".py")):
            if (self.path / folder).is_dir():
                for file in (self.path / folder).glob(f"*{suffix}"):
                    file.unlink()
        (self.path / CERTIFICATE).unlink(missing_ok=True)


def _is_of(result: CellResult, cell: Cell) -> bool:
    names = ("id", "target", "configuration", "mode", "dtype", "device")
    return all(getattr(result, name) == getattr(cell, name) for name in names)


def requested(request: Request) -> dict[str, Any]:
    """Return ``request`` as JSON, without what changes no cell's result."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(request)))
    del plain["strict"]
    return plain


def _is_finished(path: Path) -> bool:
    findings = _certificate(path)
    return findings is not None and not findings.unfinished


def _certificate(path: Path) -> Any:
    """Return the findings in ``path``, None where there are none."""
    try:
        return from_json(files.read_inside(path, CERTIFICATE, _LARGEST)).findings
    except (OSError, ValueError, RecursionError):
        return None


def _read(path: Path, name: str) -> dict[str, Any]:
    """Return the JSON object in a file, empty where there is none that can be read."""
    try:
        value = json.loads(files.read_inside(path, name, _LARGEST).decode())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _places(request: Request) -> Iterator[str]:
    """Yield the target, and the reference or the place of a rule that it is held to."""
    yield request.target
    if request.like is not None:
        yield request.like
    elif request.rule is not None and is_place(request.rule):
        yield parts_of(request.rule)[0]


def _sources(*targets: str) -> str:
    """Return a digest of the sources that a verdict on the first of ``targets`` depends on, held to the second.

    Those of stepcheck and of the target's own file go in with their content, those near it, in its folder or package,
    with sizes and times alone. A target of a library with adapters here is known by its release.
    """
    sources = dict(sources_of(_PACKAGES))
    for number, target in enumerate(targets):
        if number == 0 and (libraries.find(target) is not None or libraries.members(target)):
            continue
        where = target.rpartition(":")[0] or target.rpartition(".")[0]
        file = Path(where) if where.endswith(".py") else _module_file(where)
        if file is not None:
            with contextlib.suppress(OSError):
                sources[str(file)] = file.read_bytes()
            root = file.parent if where.endswith(".py") else _package_of(file)
            walk = root.glob("*") if where.endswith(".py") else root.rglob("*")
            alongside = sorted(entry for entry in walk if entry.suffix in _SUFFIXES)[:_MOST_FILES]
            listed = hashlib.sha256()
            for entry in alongside:
                with contextlib.suppress(OSError):
                    status = entry.stat()
                    listed.update(f"{entry}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="replace"))
            sources[f"alongside {number}"] = listed.digest()
    return digest_of(sources)


def _module_file(name: str) -> Path | None:
    """Return the file of the longest beginning of ``name`` that is a module; nothing is imported."""
    found, where = None, ["", *sys.path]
    for part in name.split("."):
        spec = importlib.machinery.PathFinder.find_spec(part, [entry or "." for entry in where])
        if spec is None:
            break
        found = Path(spec.origin) if spec.origin and Path(spec.origin).is_file() else found
        where = list(spec.submodule_search_locations or ())
    return found


def _package_of(file: Path) -> Path:
    """Return the topmost folder above ``file`` that is a package, or its own folder."""
    folder = file.parent
    while (folder.parent / "__init__.py").is_file():
        folder = folder.parent
    return folder
