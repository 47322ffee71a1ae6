"""A cell before its subject runs: facts for the laws, its arithmetic, and the cell of a reference run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from stepcheck.certification.plan import Planned
from stepcheck.certification.undeclared.inference import PLAIN, candidate
from stepcheck_implementations.adapters.adapter import Adapter, Cell, arithmetic_cell
from stepcheck_implementations.adapters.libraries import arithmetic_of
from stepcheck_implementations.adapters.wrappers import INPUTS
from stepcheck_properties.law import Facts, ReferenceRun
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.rule import Rule


def cell_facts(adapter: Adapter, planned: Planned, rule: Rule) -> Facts:
    """Return the facts of a planned cell that hold before its subject has run."""
    cell = planned.cell
    return Facts(
        rule,
        dtype=cell.dtype,
        mode=cell.mode,
        device=cell.device,
        modes=planned.modes,
        accepted_hyper=frozenset(adapter.hyper),
        fixed_hyper=dict(planned.fixed_hyper),
        arguments=planned.arguments,
        interface="wrapped"
        if adapter.wrapper and adapter.wrapper not in INPUTS
        else "torch"
        if adapter.takes == "groups"
        else "object",
        constant_hyper=adapter.constant_hyper,
        companions=planned.companions,
    )


def reference_cell(cell: Cell, reference: ReferenceRun) -> Cell:
    """Return the cell in which ``reference`` runs."""
    options = {**dict(cell.fixed), **reference.options}
    return replace(
        cell, mode=reference.mode or cell.mode, dtype=reference.dtype or cell.dtype, fixed=tuple(options.items())
    )


def declared_arithmetics(cell: Cell) -> dict[str, Arithmetic]:
    """Return the arithmetic that ``cell``'s library declares in its mode and device, by dtype."""
    return {dtype: arithmetic_of(cell, dtype) for dtype in FORMATS}


def arithmetics_of(adapter: Adapter, cell: Cell, inferred: str = "") -> Mapping[str, Arithmetic]:
    """Return the arithmetic of every dtype: what is declared, else the candidate ``inferred`` (default: plain)."""
    if adapter.declared:
        return declared_arithmetics(arithmetic_cell(adapter, cell))
    return candidate(inferred or PLAIN.name).arithmetics()
