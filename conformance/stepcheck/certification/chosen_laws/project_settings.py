"""Settings of a project: ``select`` and ``ignore`` of the table [tool.stepcheck] in the nearest pyproject.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stepcheck.certification.chosen_laws.law_selection import codes
from stepcheck.certification.wrong_request import WrongRequest
from stepcheck_reference.suggest import unknown

FILE = "pyproject.toml"
TABLE = "[tool.stepcheck]"


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What ``path`` sets; everything is empty where no file has the table."""

    path: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def without(self, *, select: bool = False, ignore: bool = False) -> ProjectSettings:
        """Return the settings without those that are given elsewhere, as on the command line."""
        return replace(self, select=() if select else self.select, ignore=() if ignore else self.ignore)

    @property
    def described(self) -> str:
        """What is set and where, as in "ignore=SC201 from /home/me/project/pyproject.toml"; "" where nothing is."""
        given = [f"{name}={','.join(value)}" for name in ("select", "ignore") if (value := getattr(self, name))]
        return f"{' and '.join(given)} from {self.path}" if given else ""


def project_settings(directory: Path) -> ProjectSettings:
    """Return the settings of the nearest pyproject.toml with a table [tool.stepcheck], in ``directory`` or above.

    Raises WrongRequest where such a file is no TOML, and where the table has an unknown name or a value that is no
    list of codes.
    """
    for folder in (directory, *directory.parents):
        path = folder / FILE
        if path.is_file() and (table := _table(path)) is not None:
            return _settings(path, table)
    return ProjectSettings()


def _table(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8")
        if "stepcheck" not in text:  # whatever else is wrong with it is not our business
            return None
        table = tomllib.loads(text).get("tool", {}).get("stepcheck")
    except (OSError, UnicodeDecodeError):
        return None
    except (tomllib.TOMLDecodeError, AttributeError) as error:
        raise WrongRequest(f"{path}: not a pyproject.toml that can be read ({error})") from error
    if table is not None and not isinstance(table, dict):
        raise WrongRequest(f"{path}: tool.stepcheck={table!r}, but should be a table")
    return table


def _settings(path: Path, table: dict[str, Any]) -> ProjectSettings:
    names = ("select", "ignore")
    for name in table:
        if name not in names:
            raise WrongRequest(f"{path}: {unknown(TABLE, name, names)}")
    values: dict[str, tuple[str, ...]] = {}
    for name in names:
        value = table.get(name, [])
        if not isinstance(value, list):
            raise WrongRequest(f'{path}: {TABLE} {name}={value!r}, but should be a list of codes, as in ["SC1"]')
        try:
            values[name] = codes(name, value)
        except WrongRequest as error:
            raise WrongRequest(f"{path}: {TABLE} {error}") from error
    return ProjectSettings(path, **values)
