"""Notation: expressions of the alphabet as Unicode or LaTeX, in the order a paper writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Abs, Add, Expr, Mul, Piecewise, Pow, Rational, Symbol, UnevaluatedExpr
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import ALPHABET, Letter

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a written expression holds together."""

SUPERSCRIPTS = dict(zip("0123456789+-−()nt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿᵗ", strict=True))

Written = tuple[str, int]

GRADIENT_AT = "gradient_at"
"""The function that prints as the gradient of the objective L."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the signs of one notation are written; ``letter`` picks a symbol's form."""

    letter: Callable[[Letter], str]
    times: str
    minus: str
    fraction: Callable[[Written, Written], Written]
    root: Callable[[Written], Written]
    power: Callable[[Written, Written], Written]
    group: Callable[[str], str]
    call: Callable[[str, str], str]
    relations: Mapping[str, str]


def _grouped(written: Written, least: int, group: Callable[[str], str]) -> str:
    text, hold = written
    return text if hold >= least else group(text)


def _parenthesised(text: str) -> str:
    return f"({text})"


def _unicode_fraction(above: Written, below: Written) -> Written:
    over = _grouped(above, PRODUCT, _parenthesised)
    return f"{over}/{_grouped(below, POWER, _parenthesised)}", PRODUCT


def _unicode_power(base: Written, exponent: Written) -> Written:
    raised = exponent[0].replace(" ", "")
    if all(character in SUPERSCRIPTS for character in raised):
        text = "".join(SUPERSCRIPTS[character] for character in raised)
    else:
        text = f"^{_grouped(exponent, ATOM, _parenthesised)}"
    return f"{_grouped(base, ATOM, _parenthesised)}{text}", POWER


def _latex_group(text: str) -> str:
    return rf"\left({text}\right)"


def _latex_power(base: Written, exponent: Written) -> Written:
    below = _grouped(base, ATOM, _latex_group)
    return f"{{{below}}}^{{{exponent[0]}}}" if "^" in below else f"{below}^{{{exponent[0]}}}", POWER


def _latex_fraction(above: Written, below: Written) -> Written:
    return rf"\frac{{{above[0]}}}{{{below[0]}}}", PRODUCT


def _unicode_call(name: str, inside: str) -> str:
    if name == "Abs":
        return f"|{inside}|"
    return f"{'∇L' if name == GRADIENT_AT else name.lower()}({inside})"


def _latex_call(name: str, inside: str) -> str:
    if name == "Abs":
        return rf"\left|{inside}\right|"
    called = r"\nabla L" if name == GRADIENT_AT else rf"\operatorname{{{name.lower()}}}"
    return rf"{called}\left({inside}\right)"


UNICODE = Dialect(
    letter=lambda letter: letter.unicode,
    times="·",
    minus="−",
    fraction=_unicode_fraction,
    root=lambda inside: (f"√{_grouped(inside, ATOM, _parenthesised)}", POWER),
    power=_unicode_power,
    group=_parenthesised,
    call=_unicode_call,
    relations={"==": "=", "!=": "≠", "<=": "≤", ">=": "≥"},
)

LATEX = Dialect(
    letter=lambda letter: letter.latex,
    times=" ",
    minus="-",
    fraction=_latex_fraction,
    root=lambda inside: (rf"\sqrt{{{inside[0]}}}", ATOM),
    power=_latex_power,
    group=_latex_group,
    call=_latex_call,
    relations={"==": "=", "!=": r"\neq", "<=": r"\leq", ">=": r"\geq"},
)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes expressions in one dialect; ``letters`` says how each symbol prints."""

    dialect: Dialect
    letters: Mapping[Symbol, Letter]

    def symbol(self, symbol: Symbol) -> str:
        """Return how ``symbol`` prints."""
        return self.dialect.letter(self.letters[symbol])

    def cases(self, expression: Expr, head: Symbol | None = None) -> tuple[tuple[str, str], ...]:
        """Return the branches of ``expression`` as (value, condition); one without condition if it has none.

        The last branch's condition is empty where it is "otherwise".
        """
        expression = _branched(expression)
        if not isinstance(expression, Piecewise):
            return ((self.write(expression, head), ""),)
        return tuple(
            (self.write(value, head), "" if condition == True else self.write(condition))  # noqa: E712
            for value, condition in expression.args
        )

    def write(self, expression: Expr, head: Symbol | None = None) -> str:
        """Return ``expression`` as text; the terms of a sum that hold ``head`` come first."""
        return self._write(expression, head)[0]

    def _write(self, expression: Expr, head: Symbol | None = None) -> Written:
        if isinstance(expression, Symbol):
            return self.symbol(expression), ATOM
        if isinstance(expression, UnevaluatedExpr):
            return self._write(expression.args[0], head)
        if expression.is_Number:
            return self._number(expression)
        if isinstance(expression, Add):
            return self._sum(expression, head)
        if isinstance(expression, Mul | Pow):
            return self._product(expression)
        if isinstance(expression, Piecewise):
            branches = [
                f"{value} if {condition}" if condition else f"{value} otherwise"
                for value, condition in self.cases(expression, head)
            ]
            return self.dialect.group("; ".join(branches)), ATOM
        if isinstance(expression, Relational):
            sign = self.dialect.relations.get(expression.rel_op, expression.rel_op)
            return f"{self.write(expression.lhs)} {sign} {self.write(expression.rhs)}", SUM
        ordered = expression.args if isinstance(expression, Abs) else sorted(expression.args, key=self._factor_rank)
        inside = ", ".join(self.write(part) for part in ordered)
        return self.dialect.call(expression.func.__name__, inside), ATOM

    def _number(self, number: Expr) -> Written:
        if number < 0:
            return f"{self.dialect.minus}{self._number(-number)[0]}", SUM
        if isinstance(number, Rational) and number.q != 1:
            return self.dialect.fraction((str(number.p), ATOM), (str(number.q), ATOM))
        return str(number), ATOM

    def _sum(self, expression: Expr, head: Symbol | None) -> Written:
        text = ""
        for term in sorted(expression.args, key=lambda term: self._term_rank(term, head)):
            negative = bool(term.as_coeff_Mul()[0] < 0)
            written = self._write(-term if negative else term)[0]
            if text:
                text += f" {self.dialect.minus if negative else '+'} {written}"
            else:
                text = f"{self.dialect.minus if negative else ''}{written}"
        return text, SUM

    def _product(self, expression: Expr) -> Written:
        number, rest = expression.as_coeff_Mul()
        if number < 0:
            inside = self._write(-expression)
            return f"{self.dialect.minus}{_grouped(inside, PRODUCT, self.dialect.group)}", SUM
        over, under = number.as_numer_denom()
        above, below = ([part] if part != 1 else [] for part in (over, under))
        for factor in Mul.make_args(rest):
            power = factor.exp if isinstance(factor, Pow) else None
            if power is not None and power.could_extract_minus_sign() and not isinstance(power, Add):
                below.append(Pow(factor.base, -power))
            else:
                above.append(factor)
        if below:
            return self.dialect.fraction(self._factors(above), self._factors(below))
        return self._factors(above)

    def _factors(self, factors: list[Expr]) -> Written:
        if not factors:
            return "1", ATOM
        if len(factors) == 1:
            return self._single(factors[0])
        ordered = sorted(factors, key=self._factor_rank)
        written = (_grouped(self._single(factor), PRODUCT, self.dialect.group) for factor in ordered)
        return self.dialect.times.join(written), PRODUCT

    def _single(self, factor: Expr) -> Written:
        if not isinstance(factor, Pow):
            return self._write(factor)
        if factor.exp == Rational(1, 2):
            return self.dialect.root(self._write(factor.base))
        return self.dialect.power(self._write(factor.base), self._write(factor.exp))

    def _role(self, symbol: Symbol) -> str:
        return self.letters[symbol].role

    def _is_scalar(self, expression: Expr) -> bool:
        roles = {self._role(symbol) for symbol in expression.free_symbols}
        return roles <= {"hyper-parameter", "constant", "count"}

    def _order(self, expression: Expr) -> tuple[int, str]:
        """Return the place of an expression's first symbol in the alphabet, new names last."""
        places = list(ALPHABET)
        found = [places.index(symbol) for symbol in expression.free_symbols if symbol in ALPHABET]
        return (min(found) if found and isinstance(expression, Symbol) else len(places), str(expression))

    def _term_rank(self, term: Expr, head: Symbol | None) -> tuple[object, ...]:
        factors = Mul.make_args(term)
        if isinstance(term, Symbol) and (term == head or self._role(term) == "count"):
            place = 0
        elif term.is_Number:
            place = 1 if term > 0 else 5
        elif head is not None and head in factors:
            place = 0
        elif any(factor.free_symbols and self._is_gradient(factor) for factor in factors):
            place = 2
        elif self._is_scalar(term):
            place = 4
        else:
            place = 3
        return place, len(factors), self._order(term)

    def _is_gradient(self, factor: Expr) -> bool:
        return isinstance(factor, Symbol) and self._role(factor) == "gradient"

    def _factor_rank(self, factor: Expr) -> tuple[object, ...]:
        if factor.is_Number:
            return (0,)
        bare = isinstance(factor, Symbol)
        if self._is_scalar(factor):
            return (1 if bare else 2, self._order(factor))
        return (3 if bare else 4, self._order(factor))


def _branched(expression: Expr) -> Expr:
    """Return ``expression`` with its branches outside, where it holds one set of them."""
    sets = expression.atoms(Piecewise)
    if isinstance(expression, Piecewise) or len(sets) != 1:
        return expression
    (inside,) = sets
    return Piecewise(*((expression.xreplace({inside: value}), condition) for value, condition in inside.args))
