"""Sources, tests and pages use the field's words: one for each thing, and no private ones."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.sources import PACKAGES, ROOT, files

WORDS = {
    "anticipate": "precompute",
    "corner": "edge case",
    "court": "CellEvaluator",
    "crew": "process pool",
    "detour": "avoid_trigger",
    "docket": "PytestSession",
    "hearing": "EvaluationSession",
    "kinship": "related rules",
    "landing": "bound",
    "ledger": "trace buffer",
    "likeness": "equivariance",
    "lineage": "process tree",
    "manners": "invocation",
    "nearness": "within rounding",
    "overheard": "captured warnings",
    "stillness": "unchanged",
    "stranger": "third-party optimizer",
    "told": "report, to_json, format: what it does",
    "twin": "reference run",
}
"""Words that appear nowhere, with what to say instead; plurals and participles count too."""

NAMES = {
    "asked": "request, spec",
    "beside": "other, alongside",
    "heard": "messages",
    "lots": "batches",
    "theirs": "other",
    "track": "series",
}
"""Words that are no name, or part of one, with what to say instead; sentences and names of tests may have them."""

KEYS = {"manners", "asked"}
"""Words that are keys of JSON that is stored or exchanged: strings of exactly this text are allowed."""


def words(text: str) -> Iterator[str]:
    """Yield the words of ``text`` in lower case, with identifiers taken apart at "_" and at capitals."""
    for match in re.finditer(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text):
        yield match[0].lower()


def stem(word: str) -> str:
    """Return ``word`` without the ending of a plural or a participle, where that is a word of the list."""
    for ending in ("", "s", "es", "d", "ed", "ing"):
        base = word.removesuffix(ending)
        if base in WORDS or base + "e" in WORDS:
            return base if base in WORDS else base + "e"
    return word


def private(text: str) -> Counter[str]:
    """Return how often each word of the list is in ``text``."""
    return Counter(base for base in map(stem, words(text)) if base in WORDS)


def texts_and_names(path: Path) -> tuple[str, Counter[str]]:
    """Return what is written in a Python file but for allowed keys, and the listed words in its names."""
    text, names = [], Counter[str]()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.STRING and token.string.strip("\"'") in KEYS:
            continue
        text.append(token.string)
        if token.type == tokenize.NAME and not token.string.startswith("test_"):
            names.update(word for word in words(token.string) if word in NAMES)
    return " ".join(text), names


def python_files() -> list[Path]:
    others = [path for folder in ("tests", "examples", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
    own = Path(__file__).resolve()
    return [path for path in (*(file for package in PACKAGES for file in files(package)), *others) if path != own]


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "changes").glob("*.md")])


def instead(used: Counter[str], table: dict[str, str]) -> str:
    return "; ".join(f"{word!r} ({count}): say {table[word]!r}" for word, count in used.items())


@pytest.mark.parametrize("path", python_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_uses_the_field_s_words(path: Path) -> None:
    text, names = texts_and_names(path)
    assert not private(text), instead(private(text), WORDS)
    assert not names, "in names: " + instead(names, NAMES)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_page_uses_the_field_s_words(path: Path) -> None:
    used = private(path.read_text(encoding="utf-8"))
    assert not used, instead(used, WORDS)


def test_words_are_seen_in_identifiers_plurals_and_sentences(tmp_path: Path) -> None:
    guilty = tmp_path / "guilty.py"
    guilty.write_text('"""Twins detoured."""\nTwinRun = {"manners": 1}  # what the crew told\ndef was_asked(): ...\n')
    text, names = texts_and_names(guilty)
    assert private(text) == {"twin": 2, "detour": 1, "crew": 1, "told": 1}
    assert names == {"asked": 1}
