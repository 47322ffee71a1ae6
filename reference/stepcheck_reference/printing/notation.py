"""Notation: expressions of the alphabet as Unicode or LaTeX, in the order a paper writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sympy import Abs, Add, And, Expr, Indexed, Mul, Or, Piecewise, Pow, Product, Rational, Sum, Symbol, UnevaluatedExpr
from sympy.core.relational import Relational

from stepcheck_reference.alphabet import ALPHABET, Letter

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly a written expression holds together."""

SUPERSCRIPTS = dict(zip("0123456789+-−()ijnt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁱʲⁿᵗ", strict=True))
SUBSCRIPTS = dict(zip("0123456789+-−=()aijt", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐᵢⱼₜ", strict=True))

Written = tuple[str, int]

Cases = tuple[tuple[str, str], ...]
"""Branches (value, condition), the condition empty where it is "otherwise"."""

_DECIMALS = 15
"""Digits of a number that prints as a decimal, as a fraction of tenths to that power does."""

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
    index: Callable[[str, str], str]
    run: Callable[[bool, str, str], str]
    cases: Callable[[Cases], str]
    relations: Mapping[str, str]


def _grouped(written: Written, least: int, group: Callable[[str], str]) -> str:
    text, fixed_hyper = written
    return text if fixed_hyper >= least else group(text)


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


def _unicode_cases(cases: Cases) -> str:
    branches = (f"{value} if {condition}" if condition else f"{value} otherwise" for value, condition in cases)
    return _parenthesised("; ".join(branches))


def _latex_cases(cases: Cases) -> str:
    branches = (
        rf"{value} & \text{{if }} {condition}" if condition else rf"{value} & \text{{otherwise}}"
        for value, condition in cases
    )
    return r"\begin{cases} " + r" \\ ".join(branches) + r" \end{cases}"


def _raised(text: str) -> str:
    return "".join(SUPERSCRIPTS[character] for character in text.replace(" ", ""))


def _lowered(text: str) -> str:
    return "".join(SUBSCRIPTS[character] for character in text.replace(" ", ""))


def _unicode_index(letter: str, step: str) -> str:
    if "ₜ" in letter:
        return letter.replace("ₜ", _lowered(step))
    return f"{letter}{',' if letter[-1] in SUBSCRIPTS.values() or '_' in letter else ''}{_lowered(step)}"


def _latex_index(letter: str, step: str) -> str:
    base, low, index = letter.rpartition("_")
    if not low or "}" in index[:-1]:
        return f"{letter}_{{{step}}}"
    index = index.strip("{}")
    return f"{base}_{{{index.replace('t', step) if index in ('t', 't+1') else f'{index},{step}'}}}"


UNICODE = Dialect(
    letter=lambda letter: letter.unicode,
    times="·",
    minus="−",
    fraction=_unicode_fraction,
    root=lambda inside: (f"√{_grouped(inside, ATOM, _parenthesised)}", POWER),
    power=_unicode_power,
    group=_parenthesised,
    call=_unicode_call,
    index=_unicode_index,
    run=lambda adds, first, last: f"{'Σ' if adds else 'Π'}{_lowered(first)}{_raised(last)} ",
    cases=_unicode_cases,
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
    index=_latex_index,
    run=lambda adds, first, last: rf"\{'sum' if adds else 'prod'}_{{{first}}}^{{{last}}} ",
    cases=_latex_cases,
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

    def cases(self, expression: Expr, head: Symbol | None = None) -> Cases:
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
        if isinstance(expression, Indexed):
            letter, step = self.symbol(expression.base.label), self.write(expression.indices[0])
            return self.dialect.index(letter, step), ATOM
        if isinstance(expression, Sum | Product):
            index, first, last = expression.limits[0]
            over = self.dialect.run(isinstance(expression, Sum), f"{index}={self.write(first)}", self.write(last))
            return over + _grouped(self._write(expression.function), PRODUCT, self.dialect.group), PRODUCT
        if isinstance(expression, UnevaluatedExpr):
            return self._write(expression.args[0], head)
        if expression.is_Number:
            return self._number(expression)
        if isinstance(expression, Add):
            return self._sum(expression, head)
        if isinstance(expression, Mul | Pow):
            return self._product(expression)
        if isinstance(expression, Piecewise):
            return self.dialect.cases(self.cases(expression, head)), ATOM
        if isinstance(expression, And | Or):
            word = " and " if isinstance(expression, And) else " or "
            return word.join(sorted(self.write(part) for part in expression.args)), SUM
        if isinstance(expression, Relational):
            sign = self.dialect.relations.get(expression.rel_op, expression.rel_op)
            return f"{self.write(expression.lhs)} {sign} {self.write(expression.rhs)}", SUM
        ordered = expression.args if isinstance(expression, Abs) else sorted(expression.args, key=self._factor_rank)
        inside = ", ".join(self.write(part) for part in ordered)
        return self.dialect.call(expression.func.__name__, inside), ATOM

    def _number(self, number: Expr) -> Written:
        if number < 0:
            return f"{self.dialect.minus}{self._number(-number)[0]}", SUM
        if isinstance(number, Rational) and number.q > 10 and 10**_DECIMALS % number.q == 0:
            return f"{float(number):.{_DECIMALS}g}", ATOM
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
        roles = {self._role(symbol) for symbol in expression.free_symbols if isinstance(symbol, Symbol)}
        return roles <= {"hyper-parameter", "constant", "count", "objective"}

    def _order(self, expression: Expr) -> tuple[int, str]:
        """Return the place of an expression's first symbol in the alphabet, new names last."""
        alphabet = list(ALPHABET)
        positions = [alphabet.index(symbol) for symbol in expression.free_symbols if symbol in ALPHABET]
        return (min(positions) if positions and isinstance(expression, Symbol) else len(alphabet), str(expression))

    def _term_rank(self, term: Expr, head: Symbol | None) -> tuple[object, ...]:
        factors = Mul.make_args(term)
        if term == head or (isinstance(term, Symbol) and self._role(term) == "count"):
            rank = 0
        elif term.is_Number:
            rank = 1 if term > 0 else 5
        elif head is not None and head in factors:
            rank = 0
        elif term.has(Sum):
            rank = 6
        elif any(factor.free_symbols and self._is_gradient(factor) for factor in factors):
            rank = 2
        elif self._is_scalar(term):
            rank = 4
        else:
            rank = 3
        return rank, len(factors), self._order(term)

    def _is_gradient(self, factor: Expr) -> bool:
        symbol = factor.base.label if isinstance(factor, Indexed) else factor
        return isinstance(symbol, Symbol) and self._role(symbol) == "gradient"

    def _factor_rank(self, factor: Expr) -> tuple[object, ...]:
        if factor.is_Number:
            return (0,)
        if isinstance(factor, Sum | Product):
            return (5, str(factor))
        bare = isinstance(factor, Symbol | Indexed)
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
