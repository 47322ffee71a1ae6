"""Confirmation: a reduced witness enclosed in arb arithmetic, which must agree that it is broken."""

from __future__ import annotations

from stepcheck.processes.executor import Contradiction
from stepcheck_properties.law import Breach
from stepcheck_reference.oracle.judgement import Deviation
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.objective import on_quadratic

NEAR = 2.0**-20
"""How far beyond 1 a ratio is before enclosing it can tell more than the centre's own last bits."""


def confirm(cell: str, rule: Rule, breach: Breach) -> None:
    """Enclose the new value that ``breach`` is about; its inputs have to be exact, as they are stepwise.

    Raises Contradiction where the enclosure does not show it outside its radius: then the oracle is wrong.
    """
    deviation = breach.deviation
    if deviation is None or not _is_enclosable(rule, deviation):
        return
    from stepcheck_reference.oracle.enclosure import confirms

    if deviation.ratio > 1.0 + NEAR and not confirms(rule, deviation):
        raise Contradiction(f"{cell}: arb arithmetic does not confirm that {breach.message}")


def _is_enclosable(rule: Rule, deviation: Deviation) -> bool:
    """Whether ``deviation`` holds everything that the new value of its output depends on."""
    equation = next((value for symbol, value in rule.step.items() if symbol.name == deviation.output), None)
    if equation is None:
        return False
    needed = {symbol.name for symbol in on_quadratic(equation).free_symbols - rule.constants.keys()}
    return needed <= deviation.inputs.keys()
