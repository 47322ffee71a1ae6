"""The trace of a failure: what the failing number was in each step, and its errors in radii."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from stepcheck.certification.certificate import Failure, Number, Point, Worst
from stepcheck.report.figures.axes import (
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Axes,
    clipped,
    coordinate,
    value_range,
    value_ticks,
)
from stepcheck.report.wording import format_ratio

_DOTS_UP_TO = 32
"""Steps up to which each has its dot and interval; more are drawn as a line and a band."""
_VISIBLE_ERROR = 0.09
"""The least error of the failing step, in heights of the figure, that is visible; a smaller one is drawn close up."""


def trace_figure(failure: Failure) -> Markup:
    """Return two drawings of the failure's trace, "" where it has none: its values, and its errors in radii."""
    worst = failure.worst
    if worst is None or all(point.step != worst.step for point in failure.trace):
        return Markup("")
    return Markup(_values(failure, worst) + _errors(failure.trace, worst))


def _values(failure: Failure, worst: Worst) -> str:
    trace = failure.trace
    failing = next(point for point in trace if point.step == worst.step)
    observed, expected = float(failing.observed), float(failing.expected)
    low, high = value_range(bound for point in trace for bound in _bounds(point))
    close_up = abs(observed - expected) < _VISIBLE_ERROR * (high - low)
    if close_up and len(trace) > 1:
        low, high = value_range(_bounds(failing), margin=1.2)
    axes = Axes(trace[-1].step, low, high)
    lines = _separate_steps(axes, trace, _overwritten(failure)) if len(trace) <= _DOTS_UP_TO else _band(axes, trace)
    value = observed if math.isfinite(observed) else (low if observed < 0 else high)
    before = next((float(point.observed) for point in reversed(trace) if point.step < worst.step), value)
    offset = 0.0 if before == value or not math.isfinite(observed) else 15.0 if value < before else -15.0
    parts = [
        axes.svg(value_ticks(low, high, expected)),
        clipped("".join(lines)),
        axes.failing_step(failing.step, value, _short(failing.observed), offset),
    ]
    name = f"{worst.output} of p{worst.tensor}[{worst.index}]"
    description = (
        f"{name} over {trace[-1].step} steps. In step {worst.step} it is {worst.observed}, "
        f"but should be {worst.expected} ± {worst.radius}."
    )
    return _figure(
        "".join(parts), f"{name}, {f'close to step {worst.step}' if close_up else 'step by step'}", description
    )


def _bounds(point: Point) -> list[float]:
    """Return the numbers that a drawing of ``point`` has to have room for."""
    expected, radius = float(point.expected), float(point.radius)
    ends = [expected - radius, expected + radius] if math.isfinite(radius) else [expected]
    return [end for end in (float(point.observed), *ends) if math.isfinite(end)]


def _overwritten(failure: Failure) -> set[int]:
    """Return the steps before which the script itself overwrites the parameter."""
    worst = failure.worst
    if worst is None or worst.output != "theta":
        return set()
    steps = enumerate(failure.script.get("steps", ()), 1)
    return {number for number, step in steps if worst.tensor in [entry[0] for entry in step.get("overwrite", ())]}


def _separate_steps(axes: Axes, trace: Sequence[Point], overwritten: set[int]) -> list[str]:
    parts = []
    before: Point | None = None
    for point in trace:
        observed, expected, radius = float(point.observed), float(point.expected), float(point.radius)
        compared = math.isfinite(expected) and math.isfinite(radius)
        if before is not None and math.isfinite(float(before.observed)) and point.step not in overwritten:
            start = axes.point(before.step, float(before.observed))
            if compared:
                parts.append(f'<path class="rule-step" d="M{start}L{axes.point(point.step, expected)}"/>')
            if math.isfinite(observed):
                parts.append(f'<path class="path" d="M{start}L{axes.point(point.step, observed)}"/>')
        if compared and point.step:
            bottom, top = axes.y(expected - radius), axes.y(expected + radius)
            middle, height = (bottom + top) / 2, max(bottom - top, 3.0)
            x = axes.x(point.step) - 7
            position = f'x="{coordinate(x)}" y="{coordinate(middle - height / 2)}"'
            parts.append(f'<rect class="envelope" {position} width="14" height="{coordinate(height)}" rx="1.5"/>')
        if math.isfinite(observed):
            center = f'cx="{coordinate(axes.x(point.step))}" cy="{coordinate(axes.y(observed))}"'
            parts.append(f'<circle class="observed" {center} r="3.2"/>')
        before = point
    return parts


def _band(axes: Axes, trace: Sequence[Point]) -> list[str]:
    upper: list[str] = []
    lower: list[str] = []
    for point in trace:
        expected, radius = float(point.expected), float(point.radius)
        if math.isfinite(expected) and math.isfinite(radius):
            half = max(axes.y(expected) - axes.y(expected + radius), 1.5)
            x = coordinate(axes.x(point.step))
            upper.append(f"{x} {coordinate(axes.y(expected) - half)}")
            lower.append(f"{x} {coordinate(axes.y(expected) + half)}")
    line = [axes.point(point.step, float(point.observed)) for point in trace if math.isfinite(float(point.observed))]
    parts = [f'<path class="envelope" d="M{"L".join([*upper, *reversed(lower)])}z"/>'] if upper else []
    return [*parts, f'<path class="path" d="M{"L".join(line)}"/>'] if line else parts


def _errors(trace: Sequence[Point], worst: Worst) -> str:
    radii = [(point.step, _radii(point)) for point in trace if point.step or worst.step == 0]
    every = [float(worst.ratio), *(value for _, value in radii)]
    finite = [value for value in every if math.isfinite(value)]
    infinite = any(math.isinf(value) for value in every)
    top = max(1.6, _log_scale(max(finite, default=0.0)) * 1.12) + (0.5 if infinite else 0.0)
    axes = Axes(trace[-1].step, 0.0, top)
    ticks = [(0.0, "0"), (1.0, "1")]
    decades = [power for power in range(1, 400) if 1.0 + power <= top]
    stride = max(1, math.ceil(len(decades) / 4))
    ticks += [(1.0 + power, f"1e{power}" if power > 2 else f"{10**power}") for power in decades[::stride]]
    edge, height = coordinate(axes.y(1.0)), coordinate(axes.y(0.0) - axes.y(1.0))
    parts = [
        f'<rect class="allowed" x="{LEFT}" y="{edge}" width="{WIDTH - LEFT - RIGHT}" height="{height}"/>',
        axes.svg(ticks),
        f'<path class="edge" d="M{LEFT} {edge}H{WIDTH - RIGHT}"/>',
    ]
    for step, value in radii:
        if not math.isnan(value) and step != worst.step:
            parts.append(_stem(axes, step, value, top, dot=len(radii) <= _DOTS_UP_TO))
    ratio = float(worst.ratio)
    end = _log_scale(ratio) if math.isfinite(ratio) else top
    parts.append(f'<path class="stem outside" d="M{axes.point(worst.step, 0.0)}V{coordinate(axes.y(end))}"/>')
    parts.append(axes.failing_step(worst.step, end, "∞" if math.isinf(ratio) else format_ratio(ratio)))
    description = "The error in each step, in radii; 1 is the edge of the envelope. "
    description += f"Step {worst.step}: {format_ratio(ratio)}."
    return _figure("".join(parts), "Error in radii, step by step", description)


def _stem(axes: Axes, step: int, value: float, top: float, *, dot: bool) -> str:
    """Return the error of one step as a line from 0, with a dot at its end where ``dot``."""
    end = top if math.isinf(value) else _log_scale(value)
    kind = "outside" if value > 1 else "within"
    line = f'<path class="stem {kind}" d="M{axes.point(step, 0.0)}V{coordinate(axes.y(end))}"/>'
    x, y = axes.point(step, end).split()
    return line + (f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.6"/>' if dot else "")


def _radii(point: Point) -> float:
    """Return the error of one step in radii: inf where it is exact and wrong, nan where it was not compared."""
    observed, expected, radius = float(point.observed), float(point.expected), float(point.radius)
    if math.isnan(radius):
        return math.nan
    if not math.isfinite(observed):
        return math.inf
    error = abs(observed - expected)
    return error / radius if radius else (math.inf if error else 0.0)


def _log_scale(value: float) -> float:
    """Return ``value`` on a scale that is linear up to 1 and logarithmic beyond, with 10 at 2."""
    return value if value <= 1.0 else 1.0 + math.log10(value)


def _short(value: Number) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _figure(inside: str, title: str, description: str) -> str:
    axis = f'<text class="tick end" x="{LEFT - 6}" y="{HEIGHT - 10}">step</text>'
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="trace" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" aria-label="{escape(description)}"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>{inside}{axis}</svg></figure>"
    )
