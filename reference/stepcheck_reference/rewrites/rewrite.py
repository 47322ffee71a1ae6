"""Rewrite: a named change that makes one rule from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr, Symbol, sympify

from stepcheck_reference.domain import Domain
from stepcheck_reference.rule import Rule

Step = Mapping[Symbol, Expr]


class RewriteError(ValueError):
    """A rewrite that does not apply to a rule; ``rewrite`` and ``rule`` name them."""

    def __init__(self, rewrite: str, rule: str, message: str) -> None:
        super().__init__(f"{rewrite} does not apply to {rule}: {message}")
        self.rewrite = rewrite
        self.rule = rule


@dataclass(frozen=True)
class Rewrite:
    """A named change of a rule's step equations.

    ``change`` returns the new equations, or None where the rule lacks what it ``needs``; ``starts`` returns
    initial values that change, and ``forms`` further forms of the new equations. ``within`` is the change of what lies
    within equations, a named quantity say, and ``where`` names quantities that it brings in. ``domains`` are those of
    hyper-parameters that it brings in or whose reason it changes.
    """

    name: str
    title: str
    source: str
    needs: str
    change: Callable[[Rule], Step | None]
    domains: Mapping[Symbol, Domain] = field(default_factory=dict)
    starts: Callable[[Rule], Mapping[Symbol, Expr]] = lambda rule: {}
    forms: Callable[[Rule], Mapping[Symbol, tuple[Expr, ...]]] = lambda rule: {}
    within: Callable[[Expr], Expr] = lambda part: part
    where: Mapping[str, Expr] = field(default_factory=dict)

    def __call__(self, rule: Rule) -> Rule:
        """Return the rewritten rule, named "rule+rewrite"; raises RewriteError where it does not apply."""
        if self.name in rule.rewrites:
            raise RewriteError(self.name, rule.name, f"{rule.name} already has it")
        step = self.change(rule)
        starts = self.starts(rule)
        if step is None or (step == dict(rule.step) and not starts):
            raise RewriteError(self.name, rule.name, f"it needs {self.needs}")
        init = {**rule.init, **starts}
        parts = (*step.values(), *init.values(), *rule.scalars.values())
        used = {symbol for part in parts for symbol in sympify(part).free_symbols}
        domains = {symbol: domain for symbol, domain in {**rule.domains, **self.domains}.items() if symbol in used}
        return replace(
            rule,
            name=f"{rule.name}+{self.name}",
            title=f"{rule.title.removesuffix('.')}; {self.title}.",
            source=f"{rule.source}; {self.name}: {self.source}",
            init=init,
            step=step,
            domains=domains,
            defaults={symbol: value for symbol, value in rule.defaults.items() if symbol in used},
            forms=self._forms(rule),
            where={**self.where, **{name: self.within(part) for name, part in rule.where.items()}},
            variant_of=rule.variant_of or rule.name,
            rewrites=(*rule.rewrites, self.name),
        )

    def _forms(self, rule: Rule) -> dict[Symbol, tuple[Expr, ...]]:
        """Return the rule's further forms, rewritten like its equations, and those that this rewrite adds."""
        forms = {symbol: list(expressions) for symbol, expressions in self.forms(rule).items()}
        for symbol, expressions in rule.forms.items():
            for expression in expressions:
                changed = self.change(replace(rule, step={**rule.step, symbol: expression}, forms={}, where={}))
                if changed is not None:
                    forms.setdefault(symbol, []).append(changed[symbol])
        return {symbol: tuple(expressions) for symbol, expressions in forms.items()}

    def applies(self, rule: Rule) -> bool:
        """Whether the rule has what this rewrite needs."""
        try:
            self(rule)
        except RewriteError:
            return False
        return True
