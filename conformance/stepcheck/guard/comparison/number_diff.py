"""Numbers compared: whether rounding can explain the divergence of two runs of one cell, judged by its envelope.

Two runs diverge at an element where they still came to the step from the same parameters and states. There the rule has
one centre for both, and one radius: numbers inside it differ by rounding. After that each run is compared with its own
envelope. Where the old runs of a cell leave the envelope themselves, as with known issues, they are compared only where
they diverge, and the sum of both radii bounds what rounding can do there. Where rounding may divide by zero or leave
the dtype's range, the envelope is unbounded, and any difference is rounding unless only one of the two is finite.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stepcheck.guard.comparison.difference import Change, Point
from stepcheck.guard.comparison.run_pair import THETA, Mask, OutputPair, RunPair, output_pairs, pair_points
from stepcheck.guard.comparison.ulps import ulps_between
from stepcheck_implementations.adapters.adapter import Adapter, Cell, arithmetic_cell
from stepcheck_implementations.adapters.libraries import arithmetic_of
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.judgement import Field, Judgement
from stepcheck_reference.rule import Rule

_LAWS = {THETA: "SC101"}
_STATE_LAW = "SC102"
_ROUNDED, _LEFT = "changed within the envelope", "leaves the envelope"
_UNBOUNDED = "changed where the envelope is unbounded"


@dataclass(slots=True)
class NumberDiff:
    """``differing`` numbers are not bitwise identical; ``points`` say how."""

    differing: int = 0
    points: list[Point] = field(default_factory=list)


def number_diff(rule: str, adapter: Adapter, cell: Cell, pairs: Sequence[RunPair]) -> NumberDiff:
    """Return how the numbers of a cell differ; without a ``rule`` they have no envelope."""
    result = NumberDiff()
    outputs: list[OutputPair] = []
    for number, pair in enumerate(pairs):
        for tensor in range(len(pair.script.tensors)):
            result.points += pair_points(pair, tensor)
            outputs += [output for output in output_pairs(number, tensor, pair) if output.differs.any()]
    result.differing = sum(int(np.count_nonzero(output.differs)) for output in outputs)
    if not outputs:
        return result
    if not rule:
        ulps = max(float(_ulps(output)[output.differs].max()) for output in outputs)
        summary = "changed, and without a rule there is no envelope"
        message = f"{_location(outputs[0], pairs)}: {summary}"
        result.points.append(Point(Change.CHANGED, message, summary, ulps=ulps, radii=np.nan))
        return result
    from stepcheck_reference.oracle.judge import judge_all
    from stepcheck_reference.rules import find

    numbers = sorted({output.pair for output in outputs})
    arithmetics = arithmetics_of(find(rule), adapter, cell, [pairs[number] for number in numbers])
    judgements = {}
    for side in ("old", "new"):
        runs = [(pairs[number].script, getattr(pairs[number], side)) for number in numbers]
        results = judge_all(find(rule), runs, arithmetics, fields=True)
        judgements[side] = dict(zip(numbers, results, strict=True))
    conforming = _conforming(judgements["old"].values())
    result.points += [
        point
        for output in outputs
        for point in _envelope_points(
            output, pairs, judgements["old"][output.pair], judgements["new"][output.pair], conforming
        )
    ]
    result.points = _worst_of_each(result.points)
    return result


def arithmetics_of(rule: Rule, adapter: Adapter, cell: Cell, pairs: Sequence[RunPair]) -> Mapping[str, Arithmetic]:
    """Return the declared arithmetic of each dtype; else the first named one that the old runs keep to, else PLAIN."""
    from stepcheck.certification.undeclared.inference import CANDIDATES, PLAIN
    from stepcheck_reference.oracle.judge import judge_all

    if adapter.declared:
        dtypes = {tensor.dtype for pair in pairs for tensor in pair.script.tensors}
        return {dtype: arithmetic_of(arithmetic_cell(adapter, cell), dtype) for dtype in dtypes}
    old = [(pair.script, pair.old) for pair in pairs]
    for candidate in CANDIDATES:
        if all(judgement.conforms for judgement in judge_all(rule, old, candidate.widened())):
            return candidate.widened()
    return PLAIN.arithmetics()


def _conforming(judgements: Iterable[Judgement]) -> set[str]:
    """Return the outputs that are inside their envelopes wherever they are compared."""
    worst: dict[str, float] = {}
    for judgement in judgements:
        for name, deviation in judgement.worst.items():
            worst[name] = max(worst.get(name, 0.0), deviation.ratio)
    return {name for name, ratio in worst.items() if ratio <= 1.0}


def _field(judgement: Judgement, output: OutputPair) -> Field:
    """Return ratio and radius of each real of ``output``; one number for a whole tensor is spread over its reals."""
    one = judgement.fields.get((output.name, output.tensor))
    if one is None:
        return Field.blank(*output.new.shape)
    return Field(*(np.broadcast_to(values, output.new.shape) for values in (one.ratio, one.radius)))


def _envelope_points(
    output: OutputPair, pairs: Sequence[RunPair], old: Judgement, new: Judgement, conforming: Collection[str]
) -> Iterator[Point]:
    """Yield how one output of one tensor differs; ``conforming`` names outputs that old runs had inside everywhere.

    A ratio is the distance from the centre in radii, negative where the oracle compares nothing.
    """
    before, after = (_field(entry, output) for entry in (old, new))
    ulps, law = _ulps(output), _LAWS.get(output.name, _STATE_LAW)
    with np.errstate(all="ignore"):
        distance = np.abs(output.new - output.old)
        radii = np.where(distance == 0.0, 0.0, distance / after.radius)
    judged = (before.ratio >= 0) & (after.ratio >= 0)
    lost = ~judged & (np.isfinite(output.old) != np.isfinite(output.new))
    unjudged = ~judged & ~lost & ~output.zeros
    # the oracle knows the output but compares nothing there: its ball reaches a pole or the end of the dtype's range
    open_ball = unjudged & _with_gradient(output, pairs) & ((output.name, output.tensor) in old.fields)
    bounded = np.isfinite(before.radius + after.radius) & np.isfinite(distance)
    # both numbers lie in balls around one centre, so the triangle inequality bounds their distance by both radii
    within = distance <= before.radius + after.radius
    conforms = output.name in conforming
    out = judged & (after.ratio > 1.0)
    out &= np.where(output.diverges, ~within | ((before.ratio <= 1.0) & conforms), conforms)
    too_far = output.diverges & ~within & ((judged & (before.ratio > 1.0)) | (open_ball & bounded))
    for mask, summary in (
        (out & output.differs, _LEFT),
        (too_far & ~out, "changed by more than rounding"),
        (lost & output.differs, "is finite in only one of the two"),
        (unjudged & ~open_ball & output.diverges, "changed where the rule has no envelope"),
    ):
        if mask.any():
            at = _worst_at(mask, after.ratio, ulps)
            message = _location(output, pairs, at)
            if summary == _LEFT:
                message += f", {after.ratio[at]:.3g} radii from the centre, was {before.ratio[at]:.3g}"
            worst_ulps = float(ulps[mask].max())
            yield Point(
                Change.CHANGED, f"{message}: {summary}", summary, law=law, ulps=worst_ulps, radii=float(radii[at])
            )
    unbounded = output.diverges & open_ball & ~bounded
    if unbounded.any():
        at = _worst_at(unbounded, ulps, ulps)
        message = f"{_location(output, pairs, at)}: {_UNBOUNDED}"
        worst_ulps = float(ulps[unbounded].max())
        yield Point(Change.ROUNDING, message, _UNBOUNDED, law=law, ulps=worst_ulps, radii=np.nan)
    inside = output.diverges & ((judged & ~out) | (open_ball & bounded)) & ~too_far & ~output.zeros
    later = output.later & judged & ~out & ~output.zeros
    if inside.any():
        at = _worst_at(inside, np.where(np.isfinite(radii), radii, 0.0), ulps)
        worst_ulps, far = float(ulps[inside].max()), float(radii[at])
        yield Point(Change.ROUNDING, _location(output, pairs, at), _ROUNDED, law=law, ulps=worst_ulps, radii=far)
    elif later.any():
        at = _worst_at(later, ulps, ulps)
        message = f"{_location(output, pairs, at)}, after an earlier divergence"
        yield Point(Change.ROUNDING, message, _ROUNDED, law=law)
    signs = output.differs & output.zeros
    if signs.any():
        at = _worst_at(signs, ulps, ulps)
        yield Point(Change.ROUNDING, _location(output, pairs, at), "zeros of opposite sign", law=law)


def _with_gradient(output: OutputPair, pairs: Sequence[RunPair]) -> Mask:
    """Return, as a column, at which steps the tensor had a gradient."""
    steps = pairs[output.pair].script.steps
    return np.array([step.applied[output.tensor] is not None for step in steps])[:, None]


def _ulps(output: OutputPair) -> NDArray[np.float64]:
    return ulps_between(output.old, output.new, output.form)


def _worst_at(mask: Mask, first: NDArray[np.float64], then: NDArray[np.float64]) -> tuple[int, int]:
    """Return the index in ``mask`` where ``first``, and among equals ``then``, is largest."""
    rows, columns = np.nonzero(mask)
    order = np.lexsort((then[rows, columns], first[rows, columns]))
    return int(rows[order[-1]]), int(columns[order[-1]])


def _location(output: OutputPair, pairs: Sequence[RunPair], at: tuple[int, int] | None = None) -> str:
    """Return which number changed, and its two values; the one with the most ulps unless ``at`` says which."""
    step, index = at if at is not None else _worst_at(output.differs, _ulps(output), _ulps(output))
    name = output.name if output.name == THETA else f"state {output.name}"
    return (
        f"{pairs[output.pair].script.label}: {name} of p{output.tensor}[{index}] after step {step + 1} is "
        f"{float(output.new[step, index])!r}, was {float(output.old[step, index])!r}"
    )


def _worst_of_each(points: list[Point]) -> list[Point]:
    """Return the worst of the points of each class, law and headline, of which a cell has many."""
    worst: dict[tuple[Change, str, str], Point] = {}
    for point in points:
        key = (point.change, point.law, point.headline)
        previous = worst.get(key)
        if previous is None or (point.radii, point.ulps) > (previous.radii, previous.ulps):
            worst[key] = point
    return list(worst.values())
