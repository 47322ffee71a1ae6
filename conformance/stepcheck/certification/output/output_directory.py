"""The directory that ``certify`` writes: a JSON file a cell, the programs of failures, and the certificate."""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from stepcheck import files
from stepcheck.certification.certificate import CellResult, Certificate
from stepcheck.certification.output.resumption import CELLS, CERTIFICATE, FAILURES, Earlier
from stepcheck.certification.request import WrongRequest
from stepcheck_implementations.adapters.adapter import Cell

_LONGEST_NAME = 120


class OutputDirectory:
    """Writes results of ``cells`` under ``path`` as they come; does nothing where ``path`` is None.

    Raises WrongRequest where something cannot be written.
    """

    def __init__(self, path: Path | None, cells: Sequence[Cell]) -> None:
        self.path, self._cells, self._stems = path, cells, file_names(cells)

    def taken_over(
        self, earlier: Earlier, numbers: Iterable[int], versions: Mapping[str, str]
    ) -> dict[int, CellResult]:
        """Return the results of the cells ``numbers`` that an interrupted run of the same request has left here."""
        return earlier.take({number: self._stems[number] for number in numbers}, self._cells, versions)

    def write_cell(self, number: int, result: CellResult) -> None:
        """Write the JSON of cell ``number`` under ``cells``, and its failures' programs under ``failures``."""
        if self.path is None:
            return
        stem = self._stems[number]
        text = msgspec.json.format(msgspec.json.encode(result)).decode()
        write(self.path / CELLS / f"{stem}.json", text)
        for failure in result.failures:
            output = failure.worst.output if failure.worst else failure.fault
            write(self.path / FAILURES / f"{stem}-{failure.code}-{_file_name(output)}.py", failure.standalone)

    def write_certificate(self, certificate: Certificate) -> None:
        """Write ``certificate.json``."""
        if self.path is not None:
            write(self.path / CERTIFICATE, certificate.to_json())

    def save_certificate(self, certificate: Certificate) -> None:
        """Write ``certificate.json`` if that can be done."""
        with contextlib.suppress(WrongRequest):
            self.write_certificate(certificate)


def file_names(cells: Sequence[Cell]) -> list[str]:
    """Return a file name for each cell: its id in letters, digits, ".", "-" and "_".

    Where two cells would share a file, on a disk that ignores case too, and where a name would be too long, a digest of
    target and id is appended.
    """
    plain = [_file_name(cell.id) for cell in cells]
    used = Counter(name.lower() for name in plain)
    names = []
    for cell, name in zip(cells, plain, strict=True):
        if used[name.lower()] > 1 or len(name) > _LONGEST_NAME:
            digest = hashlib.blake2b(f"{cell.target} {cell.id}".encode(), digest_size=4).hexdigest()
            name = f"{name[:_LONGEST_NAME]}-{digest}"
        names.append(name)
    return names


def _file_name(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in text).strip("_")


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` whole or not at all; raises WrongRequest where that cannot be done."""
    try:
        files.write(path, text)
    except OSError as error:
        raise WrongRequest(f"out={path}, but should be writable ({error.strerror or error})") from error
