"""Edge cases of values: gradients and hyper-parameters where arithmetic changes its behaviour."""

from __future__ import annotations

from stepcheck_properties.scripts import baseline_scripts
from stepcheck_properties.scripts.baseline_scripts import ZERO
from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs
from stepcheck_properties.strategies.hyper_parameters import averages, contains, domains_of
from stepcheck_reference.formats import BINARY16
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.scripts.script import Data, Group, Literal, Script, Step, Tensor

LARGE_RATE, LARGE_DECAY = 10.0, 0.5
"""A rate and a decay at which 1 - lr*weight_decay is negative: a step of the decay overshoots 0."""

TURNS = 16
"""Steps in which signs turn: enough for Rprop's step sizes to reach both of their bounds."""


def _shrinking_gradients(cell: CellInputs) -> Script:
    steps, form = 12, cell.form
    fall = (form.max_exponent + form.precision) / (steps - 2)
    tensor = Tensor((24,), cell.dtype, cell.drawn("normal", "shrinking"))
    gradients = (
        cell.drawn("normal", "shrinking", number, scale=2.0 ** -round(fall * number)) for number in range(steps)
    )
    return Script((tensor,), (Group((0,), cell.hyper()),), tuple(Step((data,)) for data in gradients))


def _zeros_and_subnormals(cell: CellInputs) -> Script:
    form = cell.form
    tiny, normal, ulp = form.smallest_subnormal, form.smallest_normal, 2.0 * form.unit_roundoff
    values = (0.0, -0.0, tiny, -tiny, 3 * tiny, normal, -normal, normal - tiny, 1.0 + ulp, 1.0 - ulp / 2, 1.0, -1.0)
    tensors = (
        Tensor((12,), cell.dtype, ZERO),
        Tensor((12,), cell.dtype, cell.literal(values)),
        Tensor((), cell.dtype, Literal((-0.0,))),
    )
    turned = values[5:] + values[:5]
    rows: tuple[Data, ...] = (
        cell.literal(values),
        cell.literal(tuple(-value for value in values)),
        ZERO,
        cell.literal(turned),
        Literal((-0.0,)),
    )
    single = (Literal((-tiny,)), ZERO, Literal((tiny,)), Literal((-0.0,)), Literal((1.0,)))
    steps = tuple(Step((row, row, alone)) for row, alone in zip(rows, single, strict=True))
    return Script(tensors, (Group((0, 1, 2), cell.hyper()),), steps)


def _epsilons(cell: CellInputs) -> Script:
    groups = tuple(
        Group((index,), cell.hyper(index, eps=eps))
        for index, eps in enumerate((1.0, max(cell.values("eps")) / 8, 1e-16))
    )
    return Script(cell.normal_tensors("epsilons", *((16,),) * 3), groups, cell.normal_steps("epsilons", 8, 3))


def _zero_rate(cell: CellInputs) -> Script:
    groups = (Group((0,), cell.hyper(0, lr=0.0)), Group((1,), cell.hyper(1, lr=0.0)))
    gradients = (
        (cell.drawn("normal", "rate", 0, 0), ZERO),
        (ZERO, cell.drawn("normal", "rate", 1, 1)),
        (cell.drawn("normal", "rate", 2, 0), cell.drawn("wide", "rate", 2, 1)),
    )
    return Script(cell.normal_tensors("rate", (6,), (6,)), groups, tuple(Step(row) for row in gradients))


def _turning_signs(cell: CellInputs) -> Script:
    tiny, small = cell.form.smallest_subnormal, cell.form.smallest_normal
    rows = []
    for number in range(TURNS):
        turn, late = 1.0 if number % 2 else -1.0, 1.0 if number < TURNS // 2 else -1.0
        pausing = 1.0 if number % 3 else 0.0
        signs = (1.0, -1.0, turn, 0.5 * turn, late, -late, pausing, pausing * turn)
        rows.append(cell.literal((*signs, tiny, small * turn, -0.0, late * tiny)))
    groups = (Group((0,), cell.hyper(0, step_min=0.02, step_max=0.5)), Group((1,), cell.hyper(1)))
    return Script(cell.normal_tensors("turning", (12,), (12,)), groups, tuple(Step((row, row)) for row in rows))


def _short_memory(cell: CellInputs) -> Script:
    choices = ((0.0, 0.0), (0.5, 0.25), (0.0, 0.5), (0.25, 0.0))
    groups = tuple(
        Group((index,), cell.hyper(0, **{name: pair[i % 2] for i, name in enumerate(cell.free_averages())}))
        for index, pair in enumerate(choices)
    )
    tensors = cell.normal_tensors("memory", *((12,),) * len(choices))
    return Script(tensors, groups, cell.normal_steps("memory", 4, len(choices)))


def _ends_of_domains(cell: CellInputs) -> Script:
    small = 2.0**-5 if cell.form is BINARY16 else 2.0**-30
    parts: list[tuple[dict[str, float], Data, float]] = []
    for name, end in _closed_ends(cell):
        if name in baseline_scripts.EPSILONS:
            parts.append((cell.hyper(0, **{"beta2": 0.5, name: end}), ZERO, small))
        else:
            parts.append((cell.hyper(0, **{name: end}), cell.drawn("normal", "ends", name), 1.0))
    if _may_overshoot(cell):
        parts.append((cell.hyper(0, lr=LARGE_RATE, weight_decay=LARGE_DECAY), cell.drawn("normal", "ends"), 1.0))
    steps = tuple(
        Step(tuple(cell.drawn("normal", "ends", number, i, scale=scale) for i, (*_, scale) in enumerate(parts)))
        for number in range(3)
    )
    tensors = tuple(Tensor((5,), cell.dtype, start) for _, start, _ in parts)
    return Script(tensors, tuple(Group((i,), hyper) for i, (hyper, *_) in enumerate(parts)), steps)


def _closed_ends(cell: CellInputs) -> list[tuple[str, float]]:
    """Return each hyper-parameter with a finite end that its domain includes, but for lr and averaging factors.

    The latter have edge cases of their own.
    """
    return [
        (name, end)
        for name, domain in domains_of(cell.rule).items()
        if name != "lr" and cell.varies(name) and not averages(domain)
        for end in ((0.0,) if domain is None else (domain.low, domain.high))
        if contains(domain, end)
    ]


def _may_overshoot(cell: CellInputs) -> bool:
    return cell.varies("lr") and cell.varies("weight_decay")


def _has_ends(cell: CellInputs) -> bool:
    return cell.profile.in_this_dtype and (bool(_closed_ends(cell)) or _may_overshoot(cell))


def _has_eps(cell: CellInputs) -> bool:
    return cell.varies("eps")


def _may_rest(cell: CellInputs) -> bool:
    return cell.varies("lr") and contains(domains_of(cell.rule)["lr"], 0.0)


def _has_averages(cell: CellInputs) -> bool:
    return bool(cell.free_averages())


def _decides_by_sign(cell: CellInputs) -> bool:
    """Whether the rule takes an element's sign, by sign() or by a branch."""
    program = program_of(cell.rule)
    return any(not program.nodes[index].scalar for index in program.decisive)


SHRINKING_GRADIENTS = Builder(
    "shrinking_gradients", "Gradients shrink by a constant factor until they underflow.", _shrinking_gradients
)
ZEROS_AND_SUBNORMALS = Builder(
    "zeros_and_subnormals",
    "Gradients and parameters are zeros of both signs, subnormals, and neighbours of 1.",
    _zeros_and_subnormals,
)
EPSILONS = Builder(
    "epsilons",
    "eps is 1, 1/8 and 1e-16, over enough steps for a rule that divides only after some steps.",
    _epsilons,
    _has_eps,
)
ENDS_OF_DOMAINS = Builder(
    "ends_of_domains",
    "Hyper-parameters are at the ends of their domains, as eps at 0 where gradients are small; lr*weight_decay is 5.",
    _ends_of_domains,
    _has_ends,
)
ZERO_RATE = Builder("zero_rate", "The learning rate is 0, also for gradients of 0.", _zero_rate, _may_rest)
TURNING_SIGNS = Builder(
    "turning_signs",
    "Gradients keep their sign, change it and are 0 in turn, until step sizes have reached both bounds.",
    _turning_signs,
    _decides_by_sign,
)
SHORT_MEMORY = Builder("short_memory", "Averaging factors are 0, 1/4 and 1/2.", _short_memory, _has_averages)
