"""The certificate's JSON Schema, for readers in other languages."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from stepcheck.certification.certificate import SCHEMA_VERSION, Certificate

_NUMBER = [{"type": "number"}, {"enum": ["nan", "inf", "-inf"]}]


def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of what ``Certificate.to_json`` writes."""
    made = _tidy(msgspec.json.schema(Certificate))
    made["$defs"]["Certificate"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "stepcheck certificate", **made}


def to_json() -> str:
    """Return the schema as JSON, as docs/certificate.schema.json holds it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


def _tidy(part: Any) -> Any:
    """Return ``part`` with docstrings as any Python gives them, and only those strings that stand for numbers."""
    if isinstance(part, list):
        return [_tidy(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    if part.get("anyOf") == [{"type": "number"}, {"type": "string"}]:
        part = {**part, "anyOf": _NUMBER}
    return {
        name: inspect.cleandoc(entry) if name == "description" and isinstance(entry, str) else _tidy(entry)
        for name, entry in part.items()
    }
