"""Wrong optimizers, each named after its error, and the laws that must break on it; right ones, which must hold.

Each class says in its docstring what it is, and nowhere else::

    Claims ``adam``, breaks SC101: adds eps under the root.
    Claims ``amsgrad`` in foreach mode, breaks SC102 and SC202: …
    Claims ``adam`` in bfloat16, breaks SC103: …
    Claims ``adam``, hangs and breaks SC201: …
    Follows ``adam``: …

The dtype (float32 where none is named) and the mode (single) are such in which the error can be seen. What is wrong in
another mode than "single" is right in that one.

- ``rules``: the formula is wrong, a file for each family of rules; the right ones are beside them.
- ``mathematics``: the formula is wrong in what a law of the rule's mathematics says.
- ``mechanics``: the formula is right, and a counter, a number format, a gradient, a checkpoint or a path is wrong.
- ``memory``: the formula is right, and where tensors lie, or how large or how many they are, is mistaken.
- ``lifecycles``: a step is right, and what happens between steps, or is shared with the process, is wrong.
- ``options``: an option is wrong, and its default right; right ones with options and conventions of their own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOMS = ("rules", "mathematics", "mechanics", "memory", "lifecycles", "options")

THETA, STATE = "SC101", "SC102"

_DOCSTRING = re.compile(
    r"(?:Claims|Follows) ``(?P<rule>[a-z0-9_+]+)``(?: in (?P<dtype>[a-z]+\d+))?(?: in (?P<mode>[a-z]+) mode)?"
    r"(?:, (?P<hangs>hangs and )?breaks (?P<codes>SC\d{3}(?:(?:, | and )SC\d{3})*))?: \S.*\."
)


@dataclass(frozen=True)
class Planted:
    """A class of this folder, the rule it claims, and the laws that must break on it at least; none on a right one."""

    file: str
    """Its file in this folder, such as "rules/adam.py"."""
    name: str
    claims: str
    breaks: frozenset[str]
    dtype: str = "float32"
    mode: str = "single"
    hangs: bool = False

    @property
    def target(self) -> str:
        """The class as a TARGET of ``certify`` at the root of the checkout."""
        return f"tests/planted/{self.file}:{self.name}"

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes it is certified in: its own, and single."""
        return tuple(dict.fromkeys(("single", self.mode)))


def described(file: str, name: str, docstring: str) -> Planted:
    """Return what a class says of itself; raises ValueError where it does not say it."""
    match = _DOCSTRING.fullmatch(" ".join(docstring.split()))
    wrong = docstring.startswith("Claims ")
    if match is None or wrong != (match["codes"] is not None):
        raise ValueError(
            f"{file}:{name}: its docstring should read 'Claims ``RULE``, breaks SCnnn: what is wrong.' or "
            "'Follows ``RULE``: what it is.'; tests/planted/__init__.py shows the forms"
        )
    codes = frozenset(re.findall(r"SC\d{3}", match["codes"] or ""))
    optional = {key: match[key] for key in ("dtype", "mode") if match[key]}
    return Planted(file, name, match["rule"], codes, hangs=bool(match["hangs"]), **optional)


def _planted() -> Iterator[Planted]:
    for room in ROOMS:
        for path in sorted((FOLDER / room).glob("[!_]*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    yield described(f"{room}/{path.name}", node.name, ast.get_docstring(node) or "")


ALL: tuple[Planted, ...] = tuple(_planted())
WRONG: tuple[Planted, ...] = tuple(entry for entry in ALL if entry.breaks)
RIGHT: tuple[Planted, ...] = tuple(entry for entry in ALL if not entry.breaks)


def first_of_each_file(entries: Sequence[Planted]) -> tuple[Planted, ...]:
    """Return the first of ``entries`` in each file.

    The exam of all of them is ``benchmarks/laws_and_faults.py``, whose table is in docs/laws-and-faults.md:
    ``test_planted_table`` fails where that page lacks one, or shows a fault that is missed or a false alarm.
    """
    return tuple({entry.file: entry for entry in reversed(entries)}.values())


def first_of_each_kind(entries: Sequence[Planted]) -> tuple[Planted, ...]:
    """Return the first of ``entries`` in each folder for each kind of law; see ``first_of_each_file``."""
    kinds = {(entry.file.partition("/")[0], min(entry.breaks)[:3]): entry for entry in reversed(entries)}
    return tuple(kinds.values())


def first_of_each_folder(entries: Sequence[Planted]) -> tuple[Planted, ...]:
    """Return the first of ``entries`` in each folder; see ``first_of_each_file``."""
    return tuple({entry.file.partition("/")[0]: entry for entry in reversed(entries)}.values())
