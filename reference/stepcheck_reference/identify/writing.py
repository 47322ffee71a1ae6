"""Writing: an expression of a reading in Unicode, whatever its symbols are called."""

from __future__ import annotations

from sympy import Expr, Symbol

from stepcheck_reference.alphabet import ALPHABET, Letter
from stepcheck_reference.printing.notation import UNICODE, Writer


def written(expression: Expr) -> str:
    """Return ``expression`` as text; symbols outside the alphabet print under their own names."""
    letters = dict(ALPHABET)
    for symbol in expression.free_symbols:
        if symbol not in letters:
            role = "hyper-parameter" if isinstance(symbol, Symbol) and symbol.is_nonnegative else "state"
            letters[symbol] = Letter(role, str(symbol), str(symbol), "")
    return Writer(UNICODE, letters).write(expression)
