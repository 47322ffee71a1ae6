"""Choices: comparisons and choices of expressions, in a form that a paper would have.

A comparison with a choice is a choice of comparisons; what a sign is compared with is what its argument is compared
with; conditions on the sign of one expression are one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sympy import And, Eq, Expr, Ge, Gt, Integer, Le, Lt, Ne, Not, Or, Piecewise, false, sign, true
from sympy.core.relational import Relational
from sympy.logic.boolalg import Boolean

RELATIONS = {"lt": Lt, "le": Le, "gt": Gt, "ge": Ge, "eq": Eq, "ne": Ne}
_SIGNS = {Lt: {-1}, Le: {-1, 0}, Gt: {1}, Ge: {0, 1}, Eq: {0}, Ne: {-1, 1}}
_BY_SIGNS = {frozenset(signs): relation for relation, signs in _SIGNS.items()}

Decide = Callable[[Boolean], Boolean]
"""Decides a comparison of hyper-parameters alone by their values while the code was read; leaves any other as it is."""


def is_boolean(value: Expr | Boolean) -> bool:
    """Whether ``value`` is a condition and no number."""
    return isinstance(value, Boolean) and not getattr(value, "is_Symbol", False)


def compared(operator: str, one: Expr, other: Expr, decide: Decide) -> Boolean:
    """Return the condition ``one operator other``."""
    if isinstance(one, Piecewise):
        return _any((_all((when, compared(operator, value, other, decide))) for value, when in _exclusive(one)))
    if isinstance(other, Piecewise):
        return _any((_all((when, compared(operator, one, value, decide))) for value, when in _exclusive(other)))
    if isinstance(one, sign) and other == 0:
        one = one.args[0]
    return normal(decide(RELATIONS[operator](one, other)))


def choice(condition: Boolean, one: Expr, other: Expr) -> Expr:
    """Return ``one`` where ``condition`` holds, else ``other``; nested choices become branches of one."""
    condition = normal(condition)
    if condition == true or one == other:
        return one
    if condition == false:
        return other
    branches = [(value, _all((condition, when))) for value, when in _exclusive(one)]
    rest = list(other.args) if isinstance(other, Piecewise) else [(other, true)]
    return _branches([*branches, *rest])


def negated(condition: Boolean) -> Boolean:
    """Return the condition that holds where ``condition`` does not."""
    return normal(Not(condition))


def normal(condition: Boolean) -> Boolean:
    """Return ``condition`` as one comparison where it is about the sign of one expression."""
    if isinstance(condition, Relational):
        return condition
    atoms = list(condition.atoms(Relational))
    about = {atom.lhs - atom.rhs for atom in atoms}
    if len(about) == 2 and sum(about) == 0:
        about.pop()
    if len(about) != 1:
        return condition
    (subject,) = about
    signs = frozenset(value for value in (-1, 0, 1) if _holds(condition, subject, value))
    if not signs or len(signs) == 3:
        return true if signs else false
    return _BY_SIGNS[signs](subject, Integer(0))


def _holds(condition: Boolean, subject: Expr, value: int) -> bool:
    """Whether ``condition`` holds where ``subject``, which it is about, has the sign ``value``."""
    truths = {}
    for atom in condition.atoms(Relational):
        here = value if atom.lhs - atom.rhs == subject else -value
        truths[atom] = true if here in _SIGNS[type(atom)] else false
    return bool(condition.xreplace(truths))


def _exclusive(value: Expr) -> list[tuple[Expr, Boolean]]:
    """Return the branches of ``value``, each with the condition under which none before it is taken."""
    if not isinstance(value, Piecewise):
        return [(value, true)]
    branches: list[tuple[Expr, Boolean]] = []
    before: list[Boolean] = []
    for branch, when in value.args:
        branches.append((branch, _all((*(Not(earlier) for earlier in before), when))))
        before.append(when)
    return branches


def _branches(branches: Iterable[tuple[Expr, Boolean]]) -> Expr:
    """Return a choice whose branches can all be taken."""
    kept: list[tuple[Expr, Boolean]] = []
    for value, when in branches:
        earlier = [condition for _, condition in kept]
        if _all((*(Not(condition) for condition in earlier), when)) == false:
            continue
        kept.append((value, when))
        if _any((*earlier, when)) == true:
            kept[-1] = (value, true)
            break
    if len(kept) == 1:
        return kept[0][0]
    return Piecewise(*kept, evaluate=False) if kept else Integer(0)


def _all(conditions: Iterable[Boolean]) -> Boolean:
    return normal(And(*conditions))


def _any(conditions: Iterable[Boolean]) -> Boolean:
    return normal(Or(*conditions))
