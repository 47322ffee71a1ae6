"""Edge cases of a run's life: missing gradients, overwritten parameters, saved state, changing hyper-parameters."""

from __future__ import annotations

from stepcheck_properties.scripts.baseline_scripts import ZERO
from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs
from stepcheck_properties.strategies.hyper_parameters import changeable_hyper, contains, domains_of, other_values
from stepcheck_reference.scripts.script import Data, Group, Script, Step, Tensor


def _missing_gradients(cell: CellInputs) -> Script:
    present = ((1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0), (1, 1, 1), (1, 0, 1))
    steps = tuple(
        Step(
            tuple(
                cell.drawn("normal", "missing", number, index) if has_gradient else None
                for index, has_gradient in enumerate(row)
            )
        )
        for number, row in enumerate(present)
    )
    groups = (Group((0, 1), cell.hyper()), Group((2,), cell.hyper(1)))
    return Script(cell.normal_tensors("missing", *((7,),) * 3), groups, steps)


def _overwritten(cell: CellInputs) -> Script:
    tensors = (
        Tensor((40,), cell.dtype, ZERO),
        Tensor((4, 5), cell.dtype, cell.drawn("normal", "overwritten")),
    )
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    steps = []
    for number in range(6):
        overwrite: list[tuple[int, Data]] = [(0, ZERO)] if number else []
        if number in (2, 4):
            overwrite.append((1, ZERO if number == 4 else cell.drawn("wide", "overwritten", number)))
        gradients = tuple(cell.drawn("normal", "overwritten", number, index) for index in range(2))
        steps.append(Step(gradients, overwrite=tuple(overwrite)))
    return Script(tensors, groups, tuple(steps))


def _reloaded(cell: CellInputs) -> Script:
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    steps = tuple(
        Step(
            (
                cell.drawn("normal", "reloaded", number, 0),
                cell.drawn("normal", "reloaded", number, 1) if number not in (0, 1) else None,
            ),
            reload=number in (0, 1, 3, 5),
        )
        for number in range(6)
    )
    return Script(cell.normal_tensors("reloaded", (8,), (8,)), groups, steps)


def _scheduled(cell: CellInputs) -> Script:
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    domain = domains_of(cell.rule)["lr"]
    rates = ((0.1, 0.01), (0.05, 0.0), (1.0, 0.3), (1e-6, 0.3), (0.0, 2.0), (0.01, 1e-3))
    steps = tuple(
        Step(
            tuple(cell.drawn("normal", "scheduled", number, index) for index in range(2)),
            hyper=tuple((group, "lr", rate) for group, rate in enumerate(pair) if number and contains(domain, rate)),
        )
        for number, pair in enumerate(rates)
    )
    return Script(cell.normal_tensors("scheduled", (8,), (8,)), groups, steps)


def _hyper_changed(cell: CellInputs) -> Script:
    groups = (Group((0,), cell.hyper()), Group((1,), cell.hyper(1)))
    names, current = changeable_hyper(cell.rule, cell.fixed_hyper), [dict(group.hyper) for group in groups]
    rows: list[list[tuple[int, str, float]]] = [[], []]
    for at in range(len(names)):
        row = []
        for group, name in enumerate((names[at], names[-1 - at])):
            if values := other_values(cell.rule, name, current[group]):
                current[group][name] = values[0]
                row.append((group, name, values[0]))
        rows.append(row)
    first = [group.hyper for group in groups]
    rows.append([(group, name, first[group][name]) for group in range(2) for name in names])
    steps = tuple(
        Step(tuple(cell.drawn("normal", "changed", number, index) for index in range(2)), hyper=tuple(row))
        for number, row in enumerate(rows)
    )
    return Script(cell.normal_tensors("changed", (6,), (6,)), groups, steps)


def _has_lr(cell: CellInputs) -> bool:
    return cell.varies("lr")


def _has_changeable(cell: CellInputs) -> bool:
    return cell.profile.in_this_dtype and bool(changeable_hyper(cell.rule, cell.fixed_hyper))


MISSING_GRADIENTS = Builder(
    "missing_gradients",
    "Some tensors have no gradient in some steps, and in one step none has.",
    _missing_gradients,
)
OVERWRITTEN = Builder("overwritten", "Parameters are overwritten between steps, mostly by 0.", _overwritten)
RELOADED = Builder("reloaded", "The state is saved and loaded before the first step and between later ones.", _reloaded)
HYPER_CHANGED = Builder(
    "hyper_changed",
    "Every hyper-parameter but the learning rate changes once, one after another, and all change back.",
    _hyper_changed,
    _has_changeable,
)
SCHEDULED = Builder("scheduled", "The learning rate changes in every step, to 0 and back.", _scheduled, _has_lr)
