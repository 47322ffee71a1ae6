"""The request: the arguments of ``certify``, checked as far as they can be before torch has been imported."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepcheck.certification.chosen_laws.law_selection import check_codes, codes
from stepcheck.certification.wrong_request import WrongRequest as WrongRequest
from stepcheck_implementations.adapters.adapter import MODES, Adapter, Configuration
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rule_names import parts_of
from stepcheck_reference.suggest import unknown

PROFILES = ("quick", "standard", "thorough")
"""How much is tried; counts of scripts, never clocks."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to certify.

    ``rule`` is a name, or a ``Rule`` as FILE.py:NAME; ``like`` names a reference whose code is the rule, which is then
    found under its name. Empty ``modes``, ``dtypes`` and ``devices`` mean all there are. ``fixed`` gives values, and
    ``maps`` the argument or place that a name of the alphabet has in a target without an adapter of its own. ``select``
    and ``ignore`` are codes of laws, or beginnings of codes: only the former are checked, and not the latter.
    """

    target: str
    rule: str | None = None
    like: str | None = None
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    fixed: Mapping[str, float | bool] = field(default_factory=dict)
    maps: Mapping[str, str] = field(default_factory=dict)
    profile: str = "quick"
    seed: int = 0
    strict: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.select or self.ignore:
            check_codes(self.select, self.ignore)
        for mode in self.modes:
            if mode not in MODES:
                raise WrongRequest(unknown("mode", mode, MODES))
        for dtype in self.dtypes:
            if dtype.removeprefix("torch.") not in FORMATS:
                raise WrongRequest(unknown("dtype", dtype, FORMATS))
        if self.profile not in PROFILES:
            raise WrongRequest(unknown("profile", self.profile, PROFILES))
        if not 0 <= self.seed < 2**63:
            raise WrongRequest(f"seed={self.seed}, but should be an integer from 0 to 2**63 - 1")


def requested(
    target: str,
    *,
    rule: str | None = None,
    like: str | None = None,
    modes: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    fixed: Mapping[str, float | bool] | None = None,
    map: Mapping[str, str] | None = None,
    profile: str = "quick",
    seed: int = 0,
    strict: bool = False,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
) -> Request:
    """Return the request that ``certify``'s arguments make; raises WrongRequest where one has the wrong form."""
    if rule is not None and like is not None:
        raise WrongRequest(f"as={rule} and like={like}, but a target is held to one of them: a rule, or a reference")
    return Request(
        target=target,
        rule=rule,
        like=like,
        modes=_strings("modes", modes),
        dtypes=tuple(dtype.removeprefix("torch.") for dtype in _strings("dtypes", dtypes)),
        devices=_strings("devices", devices),
        fixed={key: value if isinstance(value, bool) else float(value) for key, value in (fixed or {}).items()},
        maps={key: str(value) for key, value in (map or {}).items()},
        profile=profile,
        seed=seed,
        strict=strict,
        select=codes("select", select),
        ignore=codes("ignore", ignore),
    )


def target_name(target: str | Callable[..., Any]) -> str:
    """Return the name of ``target``, an object or already a name."""
    if isinstance(target, str):
        return target
    from stepcheck_implementations.workers.in_process import name_of

    return name_of(target)


def _strings(what: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise WrongRequest(f"{what}={values!r}, but should be a list of strings")
    return tuple(str(value) for value in values)


def settings(entries: Iterable[str]) -> dict[str, float | bool]:
    """Return name -> value of entries like "lr=1e-3"; raises WrongRequest where one is not of that form."""
    values: dict[str, float | bool] = {}
    for entry in entries:
        name, equals, text = entry.partition("=")
        value: float | bool
        try:
            value = {"true": True, "false": False}[text.lower()] if text.isalpha() else float(text)
        except (KeyError, ValueError):
            value = math.nan
        if not equals or not name.isidentifier() or not math.isfinite(value):
            raise WrongRequest(
                f"set={entry}, but should be NAME=NUMBER with a finite number, as in lr=1e-3, or NAME=true, NAME=false"
            )
        if name in values:
            raise WrongRequest(f"set={entry}, but {name} is set already, to {values[name]!r}")
        values[name] = value
    return values


def mappings(entries: Iterable[str]) -> dict[str, str]:
    """Return name -> argument of entries like "beta2=gamma"; raises WrongRequest where one is not of that form."""
    maps: dict[str, str] = {}
    for entry in entries:
        name, equals, target = (part.strip() for part in entry.partition("="))
        if not equals or not name.isidentifier() or not target:
            raise WrongRequest(f"map={entry}, but should be NAME=ARGUMENT, as in beta2=gamma, beta1=betas[0] or m=buf")
        if name in maps:
            raise WrongRequest(f"map={entry}, but {name} is mapped already, to {maps[name]}")
        maps[name] = target
    return maps


def listed(entries: Iterable[str]) -> tuple[str, ...]:
    """Return the names in ``entries``, each of which may hold several between commas."""
    return tuple(name.strip() for entry in entries for name in entry.split(",") if name.strip())


def claimed_rule(adapter: Adapter, configuration: Configuration, rule: str | None) -> tuple[str | None, str]:
    """Return (the rule that ``configuration`` is compared with, why there is none).

    Without ``rule`` that is what its adapter declares. With it, it is ``rule`` for the configurations that declare this
    very rule; if none does, for those that follow the adapter's main rule. Other configurations have none. Rewrites of
    a configuration ("maximize") are kept.
    """
    own = configuration.rule or adapter.rule
    if rule is None:
        return ("+".join((own, *configuration.rewrites)), "") if own else (None, "no rule is declared for it")
    base, rewrites = parts_of(rule)
    declared = {entry.rule or adapter.rule for entry in adapter.configurations}
    wanted = base if base in declared else adapter.rule
    if own != wanted:
        return None, f"it follows {own}; {rule} is claimed of configurations that follow {wanted}"
    return "+".join((base, *rewrites, *(name for name in configuration.rewrites if name not in rewrites))), ""


def check_fixed(fixed: Mapping[str, float | bool], allowed: Iterable[str]) -> None:
    """Raise WrongRequest where ``fixed`` names a hyper-parameter that is not one of ``allowed``."""
    names = list(allowed)
    for name in fixed:
        if name not in names:
            raise WrongRequest(unknown("set", name, names))


def writable(directory: Path) -> Path:
    """Return ``directory``, made if need be; raises WrongRequest where nothing can be written there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".stepcheck-probe"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        why = error.strerror or error
        raise WrongRequest(f"out={directory}, but should be a directory that can be written to ({why})") from error
    return directory


@contextlib.contextmanager
def directory_for(path: Path) -> Iterator[Path]:
    """Yield ``path``, made if need be and ``writable``; where the block fails, what was made and is empty goes."""
    made = [folder for folder in (path, *path.parents) if not os.path.lexists(folder)]
    try:
        yield writable(path)
    except BaseException:
        for folder in made:
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise
