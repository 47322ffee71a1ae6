"""The sources of stepcheck's own packages, wherever they are installed, and a digest of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable


def sources_of(packages: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of every source file of ``packages``; a path begins with the package's name."""
    for package in packages:
        yield from _inside(files(package), package)


def _inside(folder: Traversable, path: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _inside(entry, f"{path}/{entry.name}")
        elif entry.name.endswith(".py") or entry.name == "py.typed":
            yield f"{path}/{entry.name}", entry.read_bytes()


def digest_of(sources: Mapping[str, bytes]) -> str:
    """Return 16 hexadecimal digits that stand for ``sources``."""
    digest = hashlib.sha256()
    for name, data in sorted(sources.items()):
        # the length separates a file from the next, whatever bytes it holds
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]
