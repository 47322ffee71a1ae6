"""Script JSON: the one line that certificates, replay tokens and baselines hold for a script."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from stepcheck_reference.identity_cache import IdentityCache
from stepcheck_reference.scripts.script import Data, Drawn, Group, Literal, Quadratic, Script, Step, Tensor


def to_json(script: Script) -> str:
    """Return ``script`` as one line of JSON; non-finite numbers are the strings "nan", "inf", "-inf"."""
    return _written(script)


def _write(script: Script) -> str:
    return json.dumps(_plain(script), separators=(",", ":"), allow_nan=False)


_written: IdentityCache[Script, str] = IdentityCache(_write, most=64)
"""A script is serialized several times: to tell runs apart, and to send them to workers."""


def from_json(text: str) -> Script:
    """Return the script that ``to_json`` wrote; raises ValueError where the text is not one."""
    try:
        raw = json.loads(text)
        return Script(
            tensors=tuple(
                Tensor(
                    tuple(t["shape"]),
                    t["dtype"],
                    _data(t["initial"]),
                    t["layout"],
                    str(t.get("gradient_layout", "")),
                    bool(t.get("frozen", False)),
                )
                for t in raw["tensors"]
            ),
            groups=tuple(
                Group(tuple(g["tensors"]), {name: float(value) for name, value in g["hyper"].items()})
                for g in raw["groups"]
            ),
            steps=tuple(
                Step(
                    gradients=tuple(None if d is None else _data(d) for d in s["gradients"]),
                    hyper=tuple((int(g), str(name), float(value)) for g, name, value in s.get("hyper", ())),
                    overwrite=tuple((int(i), _data(d)) for i, d in s.get("overwrite", ())),
                    reload=s.get("reload", ""),
                    skip=bool(s.get("skip", False)),
                    into=str(s.get("into", "")),
                    adds_groups=tuple(map(int, s.get("added", ()))),
                    zero_grad=str(s.get("zero_grad", "")),
                    grad_scale=float(s.get("grad_scale", 0.0)),
                    closure=bool(s.get("closure", False)),
                    default_dtype=str(s.get("default_dtype", "")),
                )
                for s in raw["steps"]
            ),
            objective=Quadratic(float(raw["curvature"]), bool(raw.get("asked", True))) if "curvature" in raw else None,
            invocation=tuple(map(str, raw.get("manners", ()))),
            box=(float(raw["box"][0]), float(raw["box"][1])) if "box" in raw else None,
            threads=int(raw.get("threads", 1)),
            label=raw.get("label", ""),
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not a script: {error!r}") from error


def _number(value: float) -> float | str:
    return value if np.isfinite(value) else repr(float(value))


def _plain(script: Script) -> dict[str, Any]:
    def data(item: Data) -> Any:
        if isinstance(item, Literal):
            return [_number(value) for value in item.values]
        return {
            "regime": item.regime,
            "seed": item.seed,
            "scale": item.scale,
            "specials": [[index, _number(value)] for index, value in item.specials],
        }

    def step(item: Step) -> dict[str, Any]:
        plain: dict[str, Any] = {"gradients": [None if d is None else data(d) for d in item.gradients]}
        if item.hyper:
            plain["hyper"] = [list(entry) for entry in item.hyper]
        if item.overwrite:
            plain["overwrite"] = [[index, data(d)] for index, d in item.overwrite]
        if item.reload:
            plain["reload"] = True if item.reload == "loaded" else item.reload
        if item.skip:
            plain["skip"] = True
        if item.into:
            plain["into"] = item.into
        if item.adds_groups:
            plain["added"] = list(item.adds_groups)
        for name in ("zero_grad", "grad_scale", "closure", "default_dtype"):
            if value := getattr(item, name):
                plain[name] = value
        return plain

    def tensor(item: Tensor) -> dict[str, Any]:
        plain = {
            "shape": list(item.shape),
            "dtype": item.dtype,
            "initial": data(item.initial),
            "layout": item.layout,
        }
        if item.gradient_layout:
            plain["gradient_layout"] = item.gradient_layout
        if item.frozen:
            plain["frozen"] = True
        return plain

    objective: dict[str, Any] = {}
    if script.objective is not None:
        objective["curvature"] = _number(script.objective.curvature)
        objective |= {} if script.objective.by_closure else {"asked": False}
    return {
        "label": script.label,
        **objective,
        **({"manners": list(script.invocation)} if script.invocation else {}),
        **({} if script.box is None else {"box": [_number(edge) for edge in script.box]}),
        **({} if script.threads == 1 else {"threads": script.threads}),
        "tensors": [tensor(item) for item in script.tensors],
        "groups": [{"tensors": list(g.tensors), "hyper": dict(g.hyper)} for g in script.groups],
        "steps": [step(s) for s in script.steps],
    }


def _data(raw: Any) -> Data:
    if isinstance(raw, list):
        return Literal(tuple(float(value) for value in raw))
    specials = tuple((int(index), float(value)) for index, value in raw["specials"])
    return Drawn(str(raw["regime"]), int(raw["seed"]), float(raw["scale"]), specials)
