"""The replay token: a cell, its rule and a script, in one word."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

from stepcheck.certification.request import WrongRequest
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import to_json
from stepcheck_reference.scripts.script_limits import NoScript, script_from_outside

PREFIX = "sc1-"
_LARGEST = 1 << 24
"""Bytes of a token's text; that of the longest scripts has some 100 000."""
_LONGEST_NAME = 1_000
_LONGEST_REASON = 200
_KEYS = frozenset({"target", "rule", "cell", "fixed", "maps", "arithmetic", "claimed", "like", "script"})


@dataclass(frozen=True, slots=True)
class Replayable:
    """The content of a token; ``arithmetic`` names the model that was inferred, "" where it is declared.

    ``claimed`` is the rule that the request named where it is another than that of the cell, and ``like`` the reference
    whose code the rule is read from, "" where there is none.
    """

    cell: Cell
    rule: str
    script: Script
    arithmetic: str = ""
    claimed: str = ""
    like: str = ""


def encode(item: Replayable) -> str:
    """Return the token of ``item``: letters, digits, "-" and "_"."""
    cell = item.cell
    plain = {
        "target": cell.target,
        "rule": item.rule,
        "cell": [cell.configuration, cell.mode, cell.dtype, cell.device],
        "fixed": [list(pair) for pair in cell.fixed],
        **({"maps": [list(pair) for pair in cell.maps]} if cell.maps else {}),
        "arithmetic": item.arithmetic,
        **({"claimed": item.claimed} if item.claimed else {}),
        **({"like": item.like} if item.like else {}),
        "script": json.loads(to_json(item.script)),
    }
    packed = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 9)
    return PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(token: str) -> Replayable:
    """Return what ``encode`` wrote; raises WrongRequest where ``token`` is damaged, or holds what no token does."""
    text = "".join(token.split())
    if not text.startswith(PREFIX):
        raise WrongRequest(f"token={token[:16]!r}, but should start with {PREFIX!r}")
    text = text.removeprefix(PREFIX)
    try:
        raw = json.loads(_inflated(text), parse_constant=_refused_constant)
        return _replayable(raw)
    except NoScript as error:
        raise WrongRequest(f"token is whole, but its script {error}") from error
    except RecursionError as error:
        raise WrongRequest(f"token is {len(text)} characters, but is nested too deeply") from error
    except (ValueError, LookupError, TypeError, ArithmeticError, binascii.Error, zlib.error) as error:
        why = f"it lacks {error}" if isinstance(error, LookupError) else str(error)
        why = " ".join(why.split())[:_LONGEST_REASON]
        raise WrongRequest(f"token is {len(text)} characters, but is not whole ({why})") from error


def _inflated(text: str) -> bytes:
    """Return what is packed in ``text``, at most ``_LARGEST`` bytes of it."""
    packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    inflate = zlib.decompressobj()
    data = inflate.decompress(packed, _LARGEST)
    if not inflate.eof:
        raise ValueError(f"it holds more than {_LARGEST} bytes" if inflate.unconsumed_tail else "it is cut off")
    if inflate.unused_data:
        raise ValueError("something follows its end")
    return data


def _replayable(raw: Any) -> Replayable:
    if not isinstance(raw, dict):
        raise ValueError(f"it holds a {type(raw).__name__}")
    if unknown_keys := sorted(set(raw) - _KEYS):
        raise ValueError(f"it has {unknown_keys[0][:40]!r}, which this release of stepcheck does not know")
    target, rule, arithmetic = (_text(raw[key], key) for key in ("target", "rule", "arithmetic"))
    configuration, mode, dtype, device = (_text(entry, "cell") for entry in _entries(raw["cell"], 4))
    fixed = tuple(_pair(pair, (bool, int, float)) for pair in raw.get("fixed", ()))
    maps = tuple(_pair(pair, (str,)) for pair in raw.get("maps", ()))
    script = script_from_outside(json.dumps(raw["script"]))
    claimed, like = (_text(raw.get(key, ""), key) for key in ("claimed", "like"))
    cell = Cell(target, configuration, mode, dtype, device, fixed, maps)
    return Replayable(cell, rule, script, arithmetic, claimed, like)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise ValueError(f"its {what} should be text of at most {_LONGEST_NAME} characters")
    return value


def _entries(value: Any, count: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != count:
        raise ValueError(f"a list in it should have {count} entries")
    return value


def _pair(value: Any, kinds: tuple[type, ...]) -> tuple[str, Any]:
    """Return a name and its value, of one of ``kinds``; a number is finite."""
    name, entry = _entries(value, 2)
    if type(entry) not in kinds or not (isinstance(entry, str) or math.isfinite(entry)):
        raise ValueError(
            f"{_text(name, 'name')} in it has a value that should be {', '.join(k.__name__ for k in kinds)}"
        )
    return _text(name, "name"), entry


def _refused_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
