"""Rule: an update rule as published, as data that checks itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

from sympy import Expr, Symbol, sympify

from stepcheck_reference.alphabet import ALPHABET, QUANTITIES, g, gradient_at, theta
from stepcheck_reference.domain import Domain
from stepcheck_reference.rule_names import is_name
from stepcheck_reference.suggest import did_you_mean

KINDS = ("elementwise", "matrix")
"""The kinds of rules: each element is updated independently, or a tensor as a whole."""


class RuleError(ValueError):
    """A rule that contradicts itself; ``rule`` and ``symbol`` say where."""

    def __init__(self, rule: str, symbol: str, message: str) -> None:
        super().__init__(f"rule {rule!r}: {message}")
        self.rule = rule
        self.symbol = symbol


class OutOfDomain(ValueError):
    """A hyper-parameter outside its rule's domain; ``rule``, ``name``, ``value``, ``domain`` say which."""

    def __init__(self, rule: str, name: str, value: float, domain: Domain) -> None:
        because = f" ({domain.reason})" if domain.reason else ""
        super().__init__(f"{name}={value!r}, but {rule} needs {domain}{because}")
        self.rule = rule
        self.name = name
        self.value = value
        self.domain = domain


class UnknownHyper(ValueError):
    """A hyper-parameter its rule does not have; ``rule``, ``name`` and ``allowed`` say which."""

    def __init__(self, rule: str, name: str, allowed: tuple[str, ...]) -> None:
        super().__init__(
            f"{name} is no hyper-parameter of {rule}, which has {', '.join(allowed)}{did_you_mean(name, allowed)}"
        )
        self.rule = rule
        self.name = name
        self.allowed = allowed


@dataclass(frozen=True, eq=False)
class Rule:
    """An update rule: every equation a function of the old state, the gradient, t and hyper-parameters.

    ``init`` maps each elementwise state to its value before the first step, ``scalars`` each state that is one number
    per tensor; ``step`` maps each state and theta to its new value, in the paper's order. ``forms`` gives further
    expressions that equal a new value and are equally common in code, but round differently. ``where`` names parts of
    the equations that the paper gives a letter (see ``QUANTITIES``), each as it occurs in them, in the paper's order.
    ``domains`` are the allowed values of each hyper-parameter, ``defaults`` those that the source recommends.
    ``constants`` are numbers with the binary64 value that the subject uses. A variant records the rule that it is
    derived from, and the rewrites in order.

    Two rules are equal if they are the same object. Raises RuleError where the parts do not fit.
    """

    name: str
    _: KW_ONLY
    title: str
    source: str
    init: Mapping[Symbol, Expr | int] = field(default_factory=dict)
    step: Mapping[Symbol, Expr]
    domains: Mapping[Symbol, Domain]
    scalars: Mapping[Symbol, Expr | int] = field(default_factory=dict)
    constants: Mapping[Symbol, float] = field(default_factory=dict)
    defaults: Mapping[Symbol, float] = field(default_factory=dict)
    forms: Mapping[Symbol, tuple[Expr, ...]] = field(default_factory=dict)
    where: Mapping[str, Expr] = field(default_factory=dict)
    kind: str = "elementwise"
    variant_of: str | None = None
    rewrites: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for part in ("init", "scalars", "step"):
            values = {symbol: sympify(value) for symbol, value in getattr(self, part).items()}
            object.__setattr__(self, part, MappingProxyType(values))
        domains = {symbol: domain.of(str(symbol)) for symbol, domain in self.domains.items()}
        object.__setattr__(self, "domains", MappingProxyType(domains))
        object.__setattr__(self, "constants", MappingProxyType(dict(self.constants)))
        object.__setattr__(self, "defaults", MappingProxyType(dict(self.defaults)))
        object.__setattr__(self, "forms", MappingProxyType({key: tuple(value) for key, value in self.forms.items()}))
        object.__setattr__(self, "where", MappingProxyType(dict(self.where)))
        _check(self)

    @property
    def states(self) -> tuple[Symbol, ...]:
        """The elementwise states, in the rule's order."""
        return tuple(self.init)

    @cached_property
    def hyper(self) -> tuple[Symbol, ...]:
        """The hyper-parameters that the equations use, in alphabet order."""
        used = _used(self)
        return tuple(
            symbol for symbol, letter in ALPHABET.items() if letter.role == "hyper-parameter" and symbol in used
        )

    def new(self, symbol: Symbol) -> Expr:
        """Return the new value of a state or of theta; raises KeyError where the rule has none."""
        return self.step[symbol]

    def named(self, name: str, *, title: str, source: str) -> Rule:
        """Return this rule under another name, title and source; its provenance is unchanged."""
        return replace(self, name=name, title=title, source=source)

    def check_hyper(self, values: Mapping[str, float]) -> None:
        """Check hyper-parameters by name; raises UnknownHyper or OutOfDomain for the first that is wrong."""
        allowed = {str(symbol): symbol for symbol in self.hyper}
        for name, value in values.items():
            if name not in allowed:
                raise UnknownHyper(self.name, name, tuple(allowed))
            domain = self.domains[allowed[name]]
            if not domain.contains(value):
                raise OutOfDomain(self.name, name, value, domain)

    def __repr__(self) -> str:
        return f"Rule({self.name!r})"


def _used(rule: Rule) -> set[Symbol]:
    """Return every symbol that occurs in the rule's equations and initial values."""
    expressions = (*rule.init.values(), *rule.scalars.values(), *rule.step.values())
    return {symbol for expression in expressions for symbol in sympify(expression).free_symbols}


def _check(rule: Rule) -> None:
    def wrong(symbol: object, message: str) -> RuleError:
        return RuleError(rule.name, str(symbol), message)

    def role(symbol: Symbol, where: str) -> str:
        if symbol not in ALPHABET:
            names = [str(letter) for letter in ALPHABET]
            assumptions = " with other assumptions" if str(symbol) in names else ""
            hint = "" if assumptions else did_you_mean(str(symbol), names)
            raise wrong(symbol, f"{symbol} in {where} is not declared in the alphabet{assumptions}{hint}")
        return ALPHABET[symbol].role

    if not is_name(rule.name):
        raise wrong(rule.name, f"its name should be identifiers joined by '+', not {rule.name!r}")
    if rule.kind not in KINDS:
        raise wrong(rule.kind, f"kind={rule.kind!r}, but should be one of {', '.join(KINDS)}")
    for words in ("title", "source"):
        if not getattr(rule, words).strip():
            raise wrong(words, f"{words} is empty")

    states = (*rule.init, *rule.scalars)
    for symbol in states:
        if (actual_role := role(symbol, "init")) != "state":
            raise wrong(symbol, f"{symbol} has an initial value, but is a {actual_role}, not a state")
        if symbol not in rule.step:
            raise wrong(symbol, f"state {symbol} has an initial value, but no step equation")
    for symbol in rule.init.keys() & rule.scalars.keys():
        raise wrong(symbol, f"state {symbol} is both elementwise (init) and one number a tensor (scalars)")
    if theta not in rule.step:
        raise wrong(theta, "theta has no step equation")
    for symbol in rule.step:
        actual_role = role(symbol, "step")
        if actual_role not in ("state", "parameter"):
            raise wrong(symbol, f"{symbol} has a step equation, but is a {actual_role}, not a state or theta")
        if actual_role == "state" and symbol not in states:
            raise wrong(symbol, f"state {symbol} has a step equation, but no initial value")
    for where, values in (("init", rule.init), ("scalars", rule.scalars)):
        for target, expression in values.items():
            for symbol in sympify(expression).free_symbols:
                if (actual_role := role(symbol, f"{where} of {target}")) not in ("hyper-parameter", "constant"):
                    raise wrong(symbol, f"the initial value of {target} uses {symbol}, a {actual_role}")
    for target, expression in rule.step.items():
        for symbol in sorted(expression.free_symbols, key=str):
            if role(symbol, f"the equation of {target}") == "state" and symbol not in states:
                raise wrong(symbol, f"the equation of {target} uses state {symbol}, which has no initial value")
    for target in rule.scalars:
        for symbol in rule.step[target].free_symbols & {g, theta, *rule.init}:
            raise wrong(symbol, f"the equation of {target}, one number a tensor, uses {symbol}, one number an element")
    used = _used(rule)
    for symbol in sorted(used, key=str):
        if ALPHABET[symbol].role == "hyper-parameter" and symbol not in rule.domains:
            raise wrong(symbol, f"hyper-parameter {symbol} has no domain")
        if ALPHABET[symbol].role == "constant" and symbol not in rule.constants:
            raise wrong(symbol, f"constant {symbol} has no value")
    for symbol in rule.domains:
        if (actual_role := role(symbol, "domains")) != "hyper-parameter":
            raise wrong(symbol, f"{symbol} has a domain, but is a {actual_role}, not a hyper-parameter")
        if symbol not in used:
            raise wrong(symbol, f"{symbol} has a domain, but no equation uses it")
    for symbol in rule.constants:
        if (actual_role := role(symbol, "constants")) != "constant":
            raise wrong(symbol, f"{symbol} has a constant value, but is a {actual_role}, not a constant")
        if symbol not in used:
            raise wrong(symbol, f"{symbol} has a constant value, but no equation uses it")
    for symbol, value in rule.defaults.items():
        if symbol not in rule.domains:
            raise wrong(symbol, f"{symbol} has a default, but is no hyper-parameter of it")
        if not rule.domains[symbol].contains(value):
            raise wrong(symbol, f"the default {symbol}={value!r} is outside {rule.domains[symbol]}")
    for symbol, expressions in rule.forms.items():
        if symbol not in rule.step:
            raise wrong(symbol, f"{symbol} has another form, but no step equation")
        for expression in expressions:
            for letter in expression.free_symbols - used:
                raise wrong(letter, f"another form of {symbol} uses {letter}, which no equation uses")
    for name, part in rule.where.items():
        if name not in QUANTITIES:
            raise wrong(name, f"{name} in where is no quantity of the alphabet{did_you_mean(name, QUANTITIES)}")
        for letter in part.free_symbols - used:
            raise wrong(letter, f"{name} in where uses {letter}, which no equation uses")
    if g not in used and not any(equation.has(gradient_at) for equation in rule.step.values()):
        raise wrong(g, "no equation uses the gradient g")
