"""Reading a reference: its code's equations as a rule, with its options, checked against the code itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from stepcheck.certification.references.brought_rules import Brought, Options, remember
from stepcheck.certification.references.reference_record import Reference
from stepcheck.certification.request import Request, WrongRequest
from stepcheck.certification.runner import Runner
from stepcheck.certification.undeclared.options import option_of
from stepcheck_implementations.driver.target import TargetError

if TYPE_CHECKING:
    from sympy import Symbol

    from stepcheck_reference.reading.as_rule import Letters
    from stepcheck_reference.reading.reading import Reading
    from stepcheck_reference.rule import Rule

FLAGS = frozenset({"foreach", "fused", "differentiable", "capturable"})
"""Options that select how a step is computed, and not what."""

Settings = Mapping[str, float | bool]


def bring(request: Request, reference: Runner, target: Runner, *, verified: bool = True) -> None:
    """Read the code that ``request.like`` names, and let ``find`` return it as the rule of that name.

    ``reference`` runs it, and ``target`` what is to be held to it; options that both have are read switched over, too.
    With ``verified``, the reference is held to its own equations. Raises WrongRequest where it computes no rule, where
    something of it is not read, and where it does something else than was read, and TargetError where it is no
    optimizer.
    """
    from stepcheck_reference.printing.reading_page import lines_of

    assert request.like is not None
    taken = target.signature(request.target)["defaults"]
    try:
        signature = reference.signature(request.like)
    except TargetError as error:
        hint = f"; --as {request.like} takes a Rule" if "is a Rule object" in str(error) else ""
        raise WrongRequest(f"like={error}{hint}") from error
    reader = _ReferenceReader(request, reference, signature["defaults"], verified)
    options = _shared_options(signature["defaults"], taken, request)
    first = reader.rule(request.like, {})
    assert first is not None
    reading = first.reading
    names: dict[Options, str] = {frozenset(): request.like}
    for switched in _switched(options):
        changed = {option.argument: not option.default for option in switched}
        name = f"{request.like}({','.join(f'{argument}={value}' for argument, value in changed.items())})"
        if reader.rule(name, changed) is not None:
            names[frozenset((option.name, not option.default) for option in switched)] = name
    record = Reference(
        target=request.like,
        read=True,
        equations=lines_of(first.rule),
        same_as=first.same_as,
        compared=reader.compared,
        scripts=reader.scripts,
        unverified=reader.unverified,
        variants=tuple(name.removeprefix(request.like)[1:-1] for name in reader.registered if name != request.like),
        held={name: repr(value) for name, value in first.numbers.items()},
    )
    slots = {first.letters[symbol].name: reading.slots[symbol] for symbol in reading.hyper if symbol in first.letters}
    options_by_name = {option.name: option.default for option in options}
    remember(request.like, Brought(record, options_by_name, names, slots, first.numbers))


class _Contradicted(ValueError):
    """A reference that does not do what was read of it."""


@dataclass(frozen=True)
class _Option:
    """A boolean argument of the reference; ``name`` is what it is known as."""

    name: str
    argument: str
    default: bool


@dataclass(frozen=True)
class _ReadRule:
    """A rule with the reading that it is, and the letters in which it is written."""

    reading: Reading
    rule: Rule
    letters: Letters
    same_as: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def _shared_options(own: Mapping[str, Any], taken: Mapping[str, Any], request: Request) -> tuple[_Option, ...]:
    """Return the boolean arguments of the reference that the target has, too, by the same name or meaning."""
    others = {option_of(name) or name for name, value in taken.items() if isinstance(value, bool)}
    found = [_Option(option_of(name) or name, name, value) for name, value in own.items() if isinstance(value, bool)]
    return tuple(
        option
        for option in found
        if option.name in others and option.argument not in FLAGS and option.argument not in request.fixed
    )


def _switched(options: tuple[_Option, ...]) -> Iterator[tuple[_Option, ...]]:
    yield from ((option,) for option in options)
    yield from combinations(options, 2)


class _ReferenceReader:
    """Reads a reference with one setting after another; ``registered`` are the names of the rules that this made."""

    def __init__(self, request: Request, reference: Runner, defaults: Mapping[str, Any], verified: bool) -> None:
        self.reference, self.verified = reference, verified
        self.target = str(request.like)
        self.registered: list[str] = []
        self.compared = self.scripts = 0
        self.unverified = "" if verified else "not asked for"
        self.given: dict[str, float | bool] = {
            name: value
            for name, value in request.fixed.items()
            if name in defaults and (isinstance(value, bool) or value == 0)
        }
        self.letters: dict[Symbol, Symbol] = {}

    def rule(self, name: str, changed: Settings) -> _ReadRule | None:
        """Register what the reference computes with arguments ``changed`` as the rule ``name``, and return it.

        With nothing changed, raises what ``bring`` does; else returns None where that cannot be had.
        """
        from stepcheck_reference.reading.as_rule import NotARule
        from stepcheck_reference.rules import register

        try:
            made = self._made(name, changed)
        except _Contradicted as error:
            raise WrongRequest(f"like={self.target}, but {error}") from error
        except (TargetError, NotARule, WrongRequest) as error:
            if changed:
                return None
            raise WrongRequest(f"like={self._said(error)}") from error
        self.letters |= dict(made.letters)
        self.registered.append(name)
        register(made.rule)
        return made

    def _said(self, error: Exception) -> str:
        said, advice, _ = str(error).partition(". Say which hyper-parameter or state")
        said += "; in a reference that is a function, call them lr, beta1 and so on" if advice else ""
        return said if said.startswith(self.target) else f"{self.target}: {said}"

    def _read(self, settings: Settings) -> Reading:
        from stepcheck.code_reading.read import read_by

        reading = read_by(self.reference, self.target, "", "single", {**self.given, **settings})
        if not reading.complete:
            raise WrongRequest(
                f"{self.target}, but not all of its code was read, so that it is no reference: it has "
                f"{', '.join(reading.opaque)}. A reference is code in plain tensor operations; --as FILE.py:NAME takes "
                "a rule that is written down"
            )
        return reading

    def _made(self, name: str, changed: Settings) -> _ReadRule:
        from stepcheck_reference.identify import identify_reading
        from stepcheck_reference.identify.conclusion import PROVED
        from stepcheck_reference.identify.lettering import rule_read
        from stepcheck_reference.oracle.envelope.compiler import program_of

        reading = self._read(changed)
        whole, numbers = _with_counts_as_numbers(reading)
        zeros = self._zeros(name, whole, changed)
        answer = identify_reading(whole)
        rule, letters = rule_read(whole, answer, name, zeros, self.letters)
        try:
            program_of(rule)
        except ValueError as error:
            raise WrongRequest(f"{self.target}, but no error bound is known of what it computes: {error}") from error
        self._verify(reading)
        same_as = str(answer.rule) if answer.rule is not None and answer.verdict == PROVED else ""
        return _ReadRule(whole, rule, letters, same_as, numbers)

    def _verify(self, reading: Reading) -> None:
        """Hold the reference to its own equations; raises _Contradicted where it does something else."""
        if not self.verified:
            return
        from stepcheck.code_reading.verification import verify
        from stepcheck.code_reading.verification_lines import verification_lines

        found = verify(reading, self.reference)
        if found.deviation is not None:
            said = " ".join(verification_lines(found).split()[2:])
            raise _Contradicted(f"it does something else than was read of its code, so that it is no reference: {said}")
        self.compared += found.compared
        self.scripts += found.scripts
        self.unverified = self.unverified or found.reason

    def _zeros(self, name: str, reading: Reading, changed: Settings) -> Any:
        """Return what the reference is where a number is 0 of which its code asks that."""
        from stepcheck_reference.reading.as_rule import Zeros, set_apart

        alike, reduces_to = set(), {}
        for symbol in set_apart(reading):
            slot = reading.slots.get(symbol, symbol.name)
            if not slot.isidentifier() or changed.get(slot) == 0.0:
                continue
            try:
                at_zero = self._read({**changed, slot: 0.0})
            except (TargetError, WrongRequest):
                continue
            if _is_at_zero(reading, symbol, at_zero):
                alike.add(symbol)
                continue
            other = _joined(name, f"{slot}=0")
            if self.rule(other, {**changed, slot: 0.0}) is not None:
                reduces_to[symbol] = other
        return Zeros(frozenset(alike), reduces_to)


def _joined(name: str, setting: str) -> str:
    return f"{name[:-1]},{setting})" if name.endswith(")") else f"{name}({setting})"


def _with_counts_as_numbers(reading: Reading) -> tuple[Reading, dict[str, float]]:
    """Return ``reading`` with the values of its hyper-parameters that are integers, which scripts do not vary."""
    from sympy import Integer

    counts = {symbol: Integer(value) for symbol, value in reading.hyper.items() if type(value) is int}
    if not counts:
        return reading, {}
    whole = replace(
        reading,
        step={symbol: value.xreplace(counts) for symbol, value in reading.step.items()},
        init={symbol: value.xreplace(counts) for symbol, value in reading.init.items()},
        hyper={symbol: value for symbol, value in reading.hyper.items() if symbol not in counts},
    )
    return whole, {reading.slots.get(symbol, symbol.name): int(value) for symbol, value in counts.items()}


def _is_at_zero(reading: Reading, symbol: Symbol, at_zero: Reading) -> bool:
    """Whether ``at_zero`` is what the equations of ``reading`` are where ``symbol`` is 0."""
    from stepcheck_reference.algebra.equality import vanishes

    if set(reading.step) != set(at_zero.step) or dict(reading.init) != dict(at_zero.init):
        return False
    try:
        return all(
            value.subs(symbol, 0) == at_zero.step[state] or vanishes(value.subs(symbol, 0) - at_zero.step[state])
            for state, value in reading.step.items()
        )
    except Exception:  # of whatever equations are made
        return False
