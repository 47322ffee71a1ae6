"""Closed form lines: a rule's values at step t without the steps before it, as text.

These are its closed forms and, where the rule is linear, its power of a matrix on a quadratic.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sympy import ImmutableMatrix, Integer, Symbol

from stepcheck_reference.algebra.closed_form import ClosedForms, NoClosedForm, closed_forms
from stepcheck_reference.algebra.history import at, i, j
from stepcheck_reference.algebra.transition import Transition, transition
from stepcheck_reference.alphabet import ALPHABET, Letter, t, theta
from stepcheck_reference.printing.columns import WIDTH, bracketed, columns, hanging, padded
from stepcheck_reference.printing.folding import folded
from stepcheck_reference.printing.notation import LATEX, UNICODE, Writer
from stepcheck_reference.rule import Rule

FORMS = "closed form after step t, while hyper-parameters stay constant"
POWER = "on a quadratic of curvature κ, lowest at 0"

STEPS: Mapping[Symbol, Letter] = {step: Letter("count", step.name, step.name, "a step up to t") for step in (i, j)}


def text(rule: Rule) -> Iterator[str]:
    """Yield the closed forms, then the power of a matrix if there is one, each as a heading and lines below."""
    closed = closed_forms(rule)
    writer = Writer(UNICODE, _letters(rule))
    forms = _forms(rule, closed, writer)
    left = max((columns(name) for name, _ in forms), default=0)
    lines = []
    for name, form in forms:
        start = f"    {padded(name, left)} = "
        fits = columns(start + form) <= WIDTH
        lines.append(start + (form if fits else "a sum over the steps, too long for a line"))
    for sentence in _missing(closed, writer):
        lines += hanging("    ", sentence)
    yield "\n".join((FORMS, "", *lines))
    step = transition(rule, middle=Integer(0))
    if isinstance(step, Transition):
        yield "\n".join((POWER, "", *_power(step, writer)))


def latex(rule: Rule) -> str:
    """Return the closed forms and the power of a matrix as one LaTeX align* environment, empty where there are none."""
    writer = Writer(LATEX, _letters(rule))
    rows = [f"  {name} &= {form}" for name, form in _forms(rule, closed_forms(rule), writer)]
    step = transition(rule, middle=Integer(0))
    if isinstance(step, Transition):
        left, right = _ends(step)
        powers = [(step.matrix, "t")] if step.first == step.matrix else [(step.matrix, "t - 1"), (step.first, "")]
        factors = " ".join(_pmatrix(matrix, writer) + (f"^{{{power}}}" if power else "") for matrix, power in powers)
        rows.append(f"  {_pmatrix(left, writer)} &= {factors} {_pmatrix(right, writer)}")
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}" if rows else ""


def _letters(rule: Rule) -> Mapping[Symbol, Letter]:
    return {**folded(rule).letters, **ALPHABET, **STEPS}


def _forms(rule: Rule, closed: ClosedForms, writer: Writer) -> list[tuple[str, str]]:
    """Return each value after step t with its closed form; rates that depend on t alone are in the rule's lines."""
    return [
        (writer.write(at(symbol, t)), writer.write(form, at(symbol, 0)))
        for symbol, form in closed.values.items()
        if symbol in rule.step or writer.letters[symbol].role == "state"
    ]


def _missing(closed: ClosedForms, writer: Writer) -> Iterator[str]:
    """Yield a sentence for each reason why some states have no closed form."""
    reasons: dict[NoClosedForm, list[Symbol]] = {}
    for symbol, reason in closed.missing.items():
        reasons.setdefault(reason, []).append(symbol)
    for reason, symbols in reasons.items():
        has = "has" if len(symbols) == 1 else "have"
        yield f"{_listed(symbols, writer)} {has} none: {reason.reason.format(states=_listed(reason.states, writer))}"


def _listed(symbols: Sequence[Symbol], writer: Writer) -> str:
    names = [writer.symbol(symbol) for symbol in symbols]
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def _ends(step: Transition) -> tuple[ImmutableMatrix, ImmutableMatrix]:
    """Return the vector after step t and before step 1."""
    return ImmutableMatrix([at(part, t) for part in step.vector]), step.start.xreplace({theta: at(theta, 0)})


def _power(step: Transition, writer: Writer) -> Iterator[str]:
    left, right = _ends(step)
    first_is_general = step.first == step.matrix
    if len(step.vector) == 1:
        power = step.matrix[0] ** (t if first_is_general else t - 1) * (1 if first_is_general else step.first[0])
        yield f"    {writer.write(left[0])} = {writer.write(power * right[0])}"
        return
    ends, starts = (", ".join(map(writer.write, vector)) for vector in (left, right))
    yield f"    ({ends}) = {'Aᵗ' if first_is_general else 'Aᵗ⁻¹·A₁'}·({starts})"
    for name, matrix in (("A", step.matrix),) if first_is_general else (("A ", step.matrix), ("A₁", step.first)):
        yield from bracketed(f"    {name} = ", _rows(matrix, writer))


def _rows(matrix: ImmutableMatrix, writer: Writer) -> list[list[str]]:
    return [[writer.write(part) for part in row] for row in matrix.tolist()]


def _pmatrix(matrix: ImmutableMatrix, writer: Writer) -> str:
    rows = r" \\ ".join(" & ".join(row) for row in _rows(matrix, writer))
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
