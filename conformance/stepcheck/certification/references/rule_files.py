"""Rules in files: ``--as FILE.py:NAME`` is a ``Rule`` that a user, or ``stepcheck read --rule``, has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepcheck.certification.references.brought_rules import Brought, brought_rule, remember
from stepcheck.certification.references.reference_record import Reference
from stepcheck.certification.wrong_request import WrongRequest
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_reference.rule_names import is_place, parts_of

if TYPE_CHECKING:
    from stepcheck_reference.rule import Rule


def check_rule(name: str) -> None:
    """Make sure that ``find`` returns the rule ``name``, which may be a listed one or FILE.py:NAME, with rewrites.

    Raises WrongRequest where the file or module has no such rule, and UnknownRule and RewriteError.
    """
    from stepcheck_reference.identify.lettering import rule_written
    from stepcheck_reference.printing.reading_page import lines_of
    from stepcheck_reference.rules import find, register

    base, _ = parts_of(name)
    if is_place(base) and brought_rule(base) is None:
        loaded = _loaded(base)
        rule, same_as = rule_written(loaded.named(base, title=loaded.title, source=loaded.source))
        register(rule)
        remember(base, Brought(Reference(target=base, read=False, equations=lines_of(loaded), same_as=same_as)))
    find(name)


def _loaded(place: str) -> Rule:
    from stepcheck_implementations.driver.target import TargetError, load
    from stepcheck_reference.rule import Rule

    if place.endswith(".py"):
        raise WrongRequest(f"as={place}, but should name a rule{_example(place)}")
    try:
        found = load(place)
    except TargetError as error:
        raise WrongRequest(f"as={error}; a rule is a listed one, as in adam, or FILE.py:NAME") from error
    if isinstance(found, Rule):
        return found
    what = "a class" if isinstance(found, type) else f"a {type(found).__name__}"
    hint = f"; --like {place} holds the target to what that computes" if callable(found) else ""
    raise WrongRequest(f"as={place}, but that is {what} and no Rule{hint or _example(place.rpartition(':')[0])}")


def _example(file: str) -> str:
    """Return how a rule in ``file`` is named, or why none can be."""
    from stepcheck_implementations.driver.target import TargetError, load_file
    from stepcheck_reference.rule import Rule

    if not file.endswith(".py"):
        return ""
    try:
        names = [name for name, value in vars(load_file(file)).items() if isinstance(value, Rule)]
    except TargetError as error:
        return f": {error}"
    except Exception as error:  # of whatever the file does
        return f": importing it raised {one_line(error)}"
    return f", as in {file}:{names[0]}" if names else f", and {file} defines none"
