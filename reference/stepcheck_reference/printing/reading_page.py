"""Reading page: the equations that code computes as text to read, or as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr, Symbol

from stepcheck_reference.alphabet import ALPHABET, Letter, t, theta
from stepcheck_reference.printing.folding import Folded, folded_equations
from stepcheck_reference.printing.notation import UNICODE, Writer
from stepcheck_reference.printing.parts import with_parts
from stepcheck_reference.printing.rule_page import Rows, equation_lines, latex_lines, section
from stepcheck_reference.printing.tidying import tidied
from stepcheck_reference.reading.as_rule import letters_by_name
from stepcheck_reference.reading.merging import common_conditions
from stepcheck_reference.reading.reading import Reading
from stepcheck_reference.rule import Rule


def text(reading: Reading) -> str:
    """Return ``reading`` as a page: equations, one a line, then states, hyper-parameters and conditions."""
    names, alphabet = _letters(reading)
    writer = Writer(UNICODE, alphabet)
    title = f"{reading.target}, {reading.configuration}" if reading.configuration else reading.target
    parts = [title, "\n".join(equation_lines(folded(reading)))]
    parts += ["\n".join(section(name, rows)) for name, rows in _sections(reading, names, writer) if rows]
    return "\n\n".join(parts)


def latex(reading: Reading) -> str:
    """Return the equations of ``reading`` as a LaTeX align* environment."""
    return latex_lines(folded(reading))


def folded(reading: Reading) -> Folded:
    """Return the equations as short lines, with the letters of the alphabet for states whose names suggest them."""
    names, alphabet = _letters(reading)
    scalars = [names[state] for state in reading.scalars if state in reading.step]
    constant = {*(names[symbol] for symbol in reading.hyper), t, *scalars}
    step = {
        names.get(symbol, symbol): tidied(equation.xreplace(names), constant)
        for symbol, equation in reading.step.items()
    }
    step[theta] = step.pop(theta)
    step, parts = with_parts(step)
    return folded_equations(step, alphabet, scalars, parts=parts)


def lines_of(rule: Rule) -> tuple[str, ...]:
    """Return the equations of a rule that was read as short lines, with the parts that papers give a letter."""
    step, parts = with_parts(dict(rule.step))
    return tuple(equation_lines(folded_equations(step, ALPHABET, rule.scalars, rule.where, parts)))


def _letters(reading: Reading) -> tuple[dict[Symbol, Symbol], dict[Symbol, Letter]]:
    """Return the symbol that each symbol of ``reading`` prints as, and how every symbol prints."""
    names = letters_by_name(reading)
    alphabet = dict(ALPHABET)
    for symbol in (*reading.step, *reading.hyper):
        if symbol not in names and symbol != theta:
            names[symbol] = symbol
            role = "hyper-parameter" if symbol in reading.hyper else "state"
            alphabet[symbol] = _own(symbol, role)
    equations = (*reading.step.values(), *reading.init.values())
    used = {symbol for equation in equations for symbol in equation.free_symbols}
    for symbol in used | {symbol for path in reading.paths for when in path.conditions for symbol in when.free_symbols}:
        if names.get(symbol, symbol) not in alphabet:
            alphabet[symbol] = _own(symbol, "state")
    return names, alphabet


def _own(symbol: Symbol, role: str) -> Letter:
    escaped = symbol.name.replace("_", r"\_")
    return Letter(role, symbol.name, rf"\mathit{{{escaped}}}", "")


def _sections(reading: Reading, names: dict[Symbol, Symbol], writer: Writer) -> Iterator[tuple[str, Rows]]:
    """Yield (title, rows of cells)."""

    def written(expression: Expr) -> str:
        return writer.write(expression.xreplace(names))

    states: list[tuple[str, ...]] = []
    for symbol, value in reading.init.items():
        letter, kept = writer.symbol(names[symbol]), reading.names.get(symbol, symbol.name)
        scope = ", one number a tensor" if symbol in reading.scalars else ""
        states.append((letter, kept, f"{written(value)} at first{scope}"))
    yield "state", states or [("none",)]
    used = {symbol for value in (*reading.step.values(), *reading.init.values()) for symbol in value.free_symbols}
    hyper = [
        (
            writer.symbol(names[symbol]),
            reading.slots.get(symbol, symbol.name),
            "not used" if symbol not in used and reading.complete else f"{value:g} while it was read",
        )
        for symbol, value in reading.hyper.items()
    ]
    yield "hyper", hyper
    lines = folded(reading)
    yield "with", [(lines.letters[symbol].unicode, lines.letters[symbol].meaning) for symbol in lines.quantities]
    yield "where", [(written(condition),) for condition in common_conditions(reading.paths)]
    yield "not read", [(name,) for name in reading.opaque]
