"""The laws of a request: ``select`` and ``ignore``, codes or beginnings of codes, as linters have them.

Imports laws, and with them SymPy, only where something is selected or ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stepcheck.certification.wrong_request import WrongRequest

EVERY = "ALL"
"""What stands for every law."""


def codes(what: str, entries: Sequence[str]) -> tuple[str, ...]:
    """Return the codes in ``entries``, each of which may hold several between commas, in upper case, once each.

    Raises WrongRequest where ``entries`` is no list of strings, or one is empty.
    """
    if isinstance(entries, str) or not all(isinstance(entry, str) for entry in entries):
        raise WrongRequest(f"{what}={entries!r}, but should be a list of strings")
    every = [code.strip().upper() for entry in entries for code in entry.split(",")]
    if not all(every):
        raise WrongRequest(f"{what}={','.join(entries)!r}, but should be codes of laws, as in SC1,SC203")
    return tuple(dict.fromkeys(every))


def check_codes(select: Iterable[str], ignore: Iterable[str]) -> None:
    """Raise WrongRequest where an entry begins the code of no law, or where no law is left."""
    from stepcheck_reference.suggest import unknown

    laws = _laws()
    select, ignore = tuple(select), tuple(ignore)
    for what, entries in (("select", select), ("ignore", ignore)):
        for entry in entries:
            if entry != EVERY and not any(code.startswith(entry) for code in laws):
                raise WrongRequest(unknown(what, entry, _names(entry, laws)))
    if len(ignored(select, ignore)) == len(laws):
        given = " and ".join(
            f"{what}={','.join(entries)}" for what, entries in (("select", select), ("ignore", ignore)) if entries
        )
        raise WrongRequest(f"{given}, but no law is left to check")


def ignored(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """Return the codes of the laws that are not checked.

    The longest entry that begins a law's code decides, so that ``--ignore SC2 --select SC201`` checks SC201; of two
    equal ones ``ignore`` does.
    """
    if not select and not ignore:
        return frozenset()
    return frozenset(code for code in _laws() if _is_ignored(code, select, ignore))


def _is_ignored(code: str, select: Sequence[str], ignore: Sequence[str]) -> bool:
    selected = max((_length(entry) for entry in select if _begins(entry, code)), default=-1 if select else 0)
    left_out = max((_length(entry) for entry in ignore if _begins(entry, code)), default=-1)
    return left_out >= selected


def _begins(entry: str, code: str) -> bool:
    return entry == EVERY or code.startswith(entry)


def _length(entry: str) -> int:
    return 0 if entry == EVERY else len(entry)


def _laws() -> tuple[str, ...]:
    from stepcheck_properties.laws import ALL

    return tuple(law.code for law in ALL)


def _names(entry: str, laws: Sequence[str]) -> list[str]:
    """Return what an unknown ``entry`` could be: the families where it is short, else the codes."""
    families = list(dict.fromkeys(code[:3] for code in laws))
    return families if len(entry) <= 3 else [*families, *laws]
