"""Rule page: a rule as text to read, one at length or all in a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sympy import Symbol

from stepcheck_reference import rewrites, rules
from stepcheck_reference.alphabet import ALPHABET, g, t
from stepcheck_reference.printing import closed_form_lines, facts_lines
from stepcheck_reference.printing.columns import WIDTH, brace, columns, hanging, padded, wrapped
from stepcheck_reference.printing.folding import Folded, folded
from stepcheck_reference.printing.notation import LATEX, UNICODE, Writer
from stepcheck_reference.rule import Rule

Rows = Sequence[tuple[str, ...]]
"""Cells of a section, a row a tuple."""


def text(rule: Rule) -> str:
    """Return ``rule`` at length: equations, what solves them, source, state, hyper-parameters, facts, relatives."""
    parts = [
        _paragraph(rule.name, rule.title),
        "\n".join(equation_lines(folded(rule))),
        *closed_form_lines.text(rule),
        "\n".join(section("source", [(line,) for line in wrapped(rule.source, WIDTH - 12)])),
        *("\n".join(section(title, rows)) for title, rows in _sections(rule) if rows),
    ]
    return "\n\n".join(parts)


def latex(rule: Rule) -> str:
    """Return the equations of ``rule`` as a LaTeX align* environment, and what solves them as another."""
    parts = [latex_lines(folded(rule)), closed_form_lines.latex(rule)]
    return "\n\n".join(filter(None, parts))


def latex_lines(lines: Folded) -> str:
    """Return equations as a LaTeX align* environment."""
    writer = Writer(LATEX, lines.letters)
    rows = []
    for name, value in lines.lines:
        cases = writer.cases(value, lines.first(name))
        right = LATEX.cases(cases) if len(cases) > 1 else cases[0][0]
        rows.append(f"  {writer.symbol(name)} &= {right}")
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


STATES = 12
"""Columns that the listing has for a rule's states."""


def listing(chosen: Iterable[Rule]) -> str:
    """Return one entry a rule, its state and its title, family by family, and then the rewrites that join to them."""
    chosen = tuple(chosen)
    letters = {rule: _states(rule) for rule in chosen}
    left = max(map(len, [rule.name for rule in chosen] + [rewrite.name for rewrite in rewrites.ALL])) + 2
    middle = max(len("state"), *map(columns, letters.values())) + 2
    lines = [padded("rule", left) + padded("state", middle) + "what it is"]
    for family in (*rules.FAMILIES.values(), tuple(rule for rule in chosen if rule not in rules.ALL)):
        listed = [rule for rule in family if rule in chosen]
        lines += [""] * bool(listed)
        for rule in listed:
            lines += hanging(padded(rule.name, left) + padded(letters[rule] or "–", middle), rule.title)
    lines += ["", "A rewrite joins a rule with +, as in adamw+maximize or amsgrad+coupled_decay+maximize.", ""]
    lines.append(padded("rewrite", left) + "what it does")
    for rewrite in rewrites.ALL:
        lines += hanging(padded(rewrite.name, left), rewrite.title)
    return "\n".join(lines)


def _states(rule: Rule) -> str:
    """Return the letters of a rule's states, without blanks where there are more than fit."""
    letters = [ALPHABET[state].unicode for state in (*rule.init, *rule.scalars)]
    return ", ".join(letters) if columns(", ".join(letters)) <= STATES else ",".join(letters)


def related(rule: Rule) -> tuple[tuple[Rule, str], ...]:
    """Return the other listed rules of the same family, each with how it is related or what it is."""
    root = rule.variant_of or rule.name
    family = next((family for family in rules.FAMILIES.values() if root in {other.name for other in family}), ())
    related_rules = []
    for other in family:
        if other.name == rule.name:
            continue
        if other.variant_of == root:
            related_rules.append((other, "+".join((root, *other.rewrites))))
        elif other.name == root:
            related_rules.append((other, "what this one is a variant of"))
        else:
            related_rules.append((other, other.title))
    return tuple(related_rules)


def _sections(rule: Rule) -> Iterator[tuple[str, Rows]]:
    """Yield (title, rows of cells); a section without rows is not shown."""
    writer = Writer(UNICODE, ALPHABET)
    if rule.variant_of is not None and rule.rewrites:
        yield "variant", [("+".join((rule.variant_of, *rule.rewrites)),)]
    states = [(symbol, value, "") for symbol, value in rule.init.items()]
    states += [(symbol, value, ", one number a tensor") for symbol, value in rule.scalars.items()]
    state_rows = [
        (*_names(symbol), f"{writer.write(value)} at first", ALPHABET[symbol].meaning + scope)
        for symbol, value, scope in states
    ]
    yield "state", state_rows or [("none",)]
    hyper = [(*_names(symbol), str(rule.domains[symbol]), _meaning(rule, symbol)) for symbol in rule.hyper]
    yield "hyper", hyper
    constants = [
        (*_names(symbol), f"{value!r} in binary64", ALPHABET[symbol].meaning)
        for symbol, value in rule.constants.items()
    ]
    yield "constants", constants
    lines = folded(rule)
    explained = [lines.letters[symbol] for symbol in (*_explained(rule), *lines.quantities)]
    yield "where", [(letter.unicode, letter.meaning) for letter in explained] + [("′", "a new value")]
    yield "proved", [(line,) for line in facts_lines.lines(rule)]
    yield "related", [(other.name, how) for other, how in related(rule)]
    yield "rewrites", [(rewrite.name, rewrite.title) for rewrite in rewrites.ALL if rewrite.applies(rule)]


def _explained(rule: Rule) -> Iterator[Symbol]:
    yield g
    if any(t in equation.free_symbols for equation in rule.step.values()):
        yield t


def _names(symbol: Symbol) -> tuple[str, str]:
    """Return how ``symbol`` prints, and its ASCII name where that differs."""
    printed = ALPHABET[symbol].unicode
    return printed, "" if printed == symbol.name else symbol.name


def _meaning(rule: Rule, symbol: Symbol) -> str:
    reason = rule.domains[symbol].reason
    recommended = f"; {rule.defaults[symbol]:g} in the source" if symbol in rule.defaults else ""
    return ALPHABET[symbol].meaning + recommended + (f"; {reason}" if reason else "")


def equation_lines(lines: Folded) -> Iterator[str]:
    """Yield equations aligned in Unicode, one a line."""
    writer = Writer(UNICODE, lines.letters)
    left = max(columns(writer.symbol(name)) for name, _ in lines.lines)
    for name, value in lines.lines:
        start = f"    {padded(writer.symbol(name), left)} = "
        cases = writer.cases(value, lines.first(name))
        if len(cases) == 1:
            yield start + cases[0][0]
            continue
        wide = max(columns(branch) for branch, _ in cases) + 3
        for index, (branch, condition) in enumerate(cases):
            margin = start if index == 0 else " " * columns(start)
            when = f"if {condition}" if condition else "otherwise"
            yield f"{margin}{brace(index, len(cases))} {padded(branch, wide)}{when}"


def section(title: str, rows: Rows) -> Iterator[str]:
    """Yield rows under one title on the left, in columns; a last cell too long is broken."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)][:-1]
    for number, row in enumerate(rows):
        start = padded(title if number == 0 else "", 12)
        start += "".join(padded(cell, width + 2) for cell, width in zip(row[:-1], widths, strict=True) if width)
        yield from hanging(start, row[-1])


def _paragraph(name: str, title: str) -> str:
    return "\n".join([name, *wrapped(title, WIDTH)])
