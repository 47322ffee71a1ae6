"""Rule file: a reading as the text of a Python file that defines a rule, as those in ``rules/`` do."""

from __future__ import annotations

from collections.abc import Mapping

from sympy import Abs, Expr, Max, Min, Mod, Piecewise, Rational, Symbol, exp, floor, log, sign, tanh
from sympy.printing.str import StrPrinter

from stepcheck_reference.alphabet import ALPHABET, theta
from stepcheck_reference.domain import Domain
from stepcheck_reference.reading.as_rule import as_rule
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule

_FUNCTIONS = (Abs, Max, Min, Mod, Piecewise, exp, floor, log, sign, tanh)


def text(reading: Reading, name: str = "") -> str:
    """Return Python that defines ``reading`` as a rule; raises NotARule where it is none."""
    own = name or name_of(reading)
    rule = as_rule(reading, name=own)
    equations = [f"{_new(symbol)} = {_python(equation)}" for symbol, equation in rule.step.items()]
    lines = [f'"""{reading.target}, as stepcheck read it."""', ""]
    lines += _imports(rule)
    lines += ["", *equations, "", f"{own.upper()} = Rule("]
    lines += [f"    {own!r},", f"    title={rule.title!r},", f"    source={rule.source!r},"]
    lines += [f"    init={_mapping(rule.init)},"] if rule.init else []
    lines += [f"    scalars={_mapping(rule.scalars)},"] if rule.scalars else []
    lines.append(f"    step={{{', '.join(f'{symbol}: {_new(symbol)}' for symbol in rule.step)}}},")
    domains = ", ".join(f"{symbol}: {_domain(domain)}" for symbol, domain in rule.domains.items())
    return "\n".join([*lines, f"    domains={{{domains}}},", ")", ""])


def name_of(reading: Reading) -> str:
    """Return what a rule is called that is read from the target of ``reading``; in a file it is in capitals."""
    last = reading.target.rpartition(":")[2].rpartition(".")[2].lower()
    return last if last.isidentifier() else "reading"


def _new(symbol: Symbol) -> str:
    return f"{symbol}_t"


def _mapping(values: Mapping[Symbol, Expr]) -> str:
    return "{" + ", ".join(f"{symbol}: {_python(value)}" for symbol, value in values.items()) + "}"


def _domain(domain: Domain) -> str:
    shown = {"low": domain.low, "high": domain.high, "low_open": domain.low_open, "high_open": domain.high_open}
    standard = Domain()
    given = [f"{name}={value!r}" for name, value in shown.items() if value != getattr(standard, name)]
    return f"Domain({', '.join(given)})"


def _imports(rule: Rule) -> list[str]:
    expressions: list[Expr] = [*rule.step.values(), *rule.init.values(), *rule.scalars.values()]
    functions = {type(node).__name__ for expression in expressions for node in expression.atoms(*_FUNCTIONS)}
    letters = {symbol for expression in expressions for symbol in expression.free_symbols} | set(rule.step)
    names = sorted({str(symbol) for symbol in letters if symbol in ALPHABET} | {str(theta)})
    sympy = ", ".join(sorted({*functions, "sqrt", "Rational"} | ({"Eq", "Ne"} if "Piecewise" in functions else set())))
    return [
        f"from sympy import {sympy}",
        "",
        f"from stepcheck_reference.alphabet import {', '.join(names)}",
        "from stepcheck_reference.domain import Domain",
        "from stepcheck_reference.rule import Rule",
    ]


class _Python(StrPrinter):  # type: ignore[misc]
    """SymPy's text, with exact numbers: 24/25 is a float in Python."""

    def _print_Rational(self, number: Rational) -> str:
        return f"Rational({number.p}, {number.q})"


def _python(expression: Expr) -> str:
    return str(_Python().doprint(expression))
