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

    ``change`` returns the new equations, or None where the rule lacks what it ``needs``; ``domains``
    are those of hyper-parameters that it brings in or whose reason it changes.
    """

    name: str
    title: str
    source: str
    needs: str
    change: Callable[[Rule], Step | None]
    domains: Mapping[Symbol, Domain] = field(default_factory=dict)

    def __call__(self, rule: Rule) -> Rule:
        """Return the rewritten rule, named "rule+rewrite"; raises RewriteError where it does not apply."""
        if self.name in rule.rewrites:
            raise RewriteError(self.name, rule.name, f"{rule.name} already has it")
        step = self.change(rule)
        if step is None or step == dict(rule.step):
            raise RewriteError(self.name, rule.name, f"it needs {self.needs}")
        parts = (*step.values(), *rule.init.values(), *rule.scalars.values())
        used = {symbol for part in parts for symbol in sympify(part).free_symbols}
        domains = {symbol: domain for symbol, domain in {**rule.domains, **self.domains}.items() if symbol in used}
        return replace(
            rule,
            name=f"{rule.name}+{self.name}",
            title=f"{rule.title.removesuffix('.')}; {self.title}.",
            source=f"{rule.source}; {self.name}: {self.source}",
            step=step,
            domains=domains,
            variant_of=rule.variant_of or rule.name,
            rewrites=(*rule.rewrites, self.name),
        )

    def applies(self, rule: Rule) -> bool:
        """Whether the rule has what this rewrite needs."""
        try:
            self(rule)
        except RewriteError:
            return False
        return True
