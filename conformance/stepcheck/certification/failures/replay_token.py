"""The replay token: a cell, its rule and a script, in one word."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass

from stepcheck.certification.request import WrongRequest
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.script_json import from_json, to_json

PREFIX = "sc1-"
_LARGEST = 1 << 28


@dataclass(frozen=True, slots=True)
class Replayable:
    """The content of a token; ``arithmetic`` names the model that was inferred, "" where it is declared."""

    cell: Cell
    rule: str
    script: Script
    arithmetic: str = ""


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
        "script": json.loads(to_json(item.script)),
    }
    packed = zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 9)
    return PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(token: str) -> Replayable:
    """Return what ``encode`` wrote; raises WrongRequest where ``token`` is damaged."""
    text = "".join(token.split())
    if not text.startswith(PREFIX):
        raise WrongRequest(f"token={token[:16]!r}, but should start with {PREFIX!r}")
    text = text.removeprefix(PREFIX)
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inflate = zlib.decompressobj()
        raw = json.loads(inflate.decompress(packed, _LARGEST))
        if not inflate.eof:
            raise ValueError("it is cut off")
        configuration, mode, dtype, device = map(str, raw["cell"])
        fixed, maps = (tuple((name, value) for name, value in raw.get(key, ())) for key in ("fixed", "maps"))
        return Replayable(
            cell=Cell(str(raw["target"]), configuration, mode, dtype, device, fixed, maps),
            rule=str(raw["rule"]),
            script=from_json(json.dumps(raw["script"])),
            arithmetic=str(raw["arithmetic"]),
        )
    except (ValueError, KeyError, TypeError, binascii.Error, zlib.error) as error:
        raise WrongRequest(f"token is {len(token)} characters, but is not whole ({error})") from error
