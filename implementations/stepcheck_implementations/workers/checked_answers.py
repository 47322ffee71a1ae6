"""Answers of workers, checked: they come from the process of a subject, which may have written them itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.driver.error_text import printable
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.hyper_matching import NoMatch
from stepcheck_implementations.workers.transport import Answer, WorkerError, WrongAnswer
from stepcheck_reference import dataclass_codec
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory, check_trajectory

Kinds = Mapping[str, type | tuple[type, ...]]
"""The names that an answer has, and what kind of value each."""

_MOST_TEXT = 1 << 22
"""Bytes of a trajectory's header: messages, and the entries of an optimizer's state."""
_LONGEST = 20_000
"""Characters of an error's text that are kept."""


def most_bytes(adapter: Adapter, script: Script) -> int:
    """Return how many bytes the trajectory of ``script`` may have at most."""
    rows = (len(script.steps) + 1) * (3 + len(adapter.states))
    return _MOST_TEXT + rows * sum(16 * tensor.size + 64 for tensor in script.tensors)


def trajectory(adapter: Adapter, script: Script, answer: Answer) -> Trajectory:
    """Return the trajectory of ``script`` in ``answer``; raises WrongAnswer where there is none."""
    try:
        decoded = dataclass_codec.decode(Trajectory, *answer)
        check_trajectory(decoded, script, tuple(adapter.states))
        fault = decoded.fault
        return decoded if fault is None else replace(decoded, fault=replace(fault, message=printable(fault.message)))
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise WrongAnswer(f"{type(error).__name__}: {error}") from error


def checked(answer: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    """Return ``answer``, which has a value of the right kind for each name; raises WrongAnswer where it has not."""
    for name, kind in kinds.items():
        if not isinstance(answer.get(name), kind):
            raise WrongAnswer(f"{name}={answer.get(name)!r}")
    return dict(answer)


def answered_error(error: Any) -> Exception:
    """Return the exception that a worker answered as ``error``: its kind, its text and what else it has."""
    match error:
        case ["nomatch", str(text), [*missing], int(left)] if all(isinstance(name, str) for name in missing):
            return NoMatch(_plain(text), tuple(missing), left)
        case ["target", str(text)]:
            return TargetError(_plain(text))
        case ["value", str(text)]:
            return ValueError(_plain(text))
        case ["internal", str(text)]:
            return WorkerError(_plain(text))
        case _:
            return WrongAnswer(f"error={error!r}")


def last_line(error: Exception) -> str:
    """Return the last line of the text of ``error``: of a traceback, what was raised."""
    return printable((str(error).strip().splitlines() or [""])[-1])


def source_file(target: str) -> str:
    """Return how the path of the file ends that ``target`` is defined in."""
    where, _, _ = target.rpartition(":") if ":" in target else target.rpartition(".")
    return where if where.endswith(".py") else f"{where.replace('.', '/')}.py"


def _plain(text: str) -> str:
    """Return ``text`` without characters that a terminal would obey, but with its lines."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text[:_LONGEST])
