"""Figures: the spread of a cell's ratios, and the course of a failure, as SVG that needs nothing outside itself.

Colours and fonts come from the page's style sheet, by class. Each figure says in a title and a description
what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from stepcheck.certification.certificate import Failure, Number, Point
from stepcheck.report.wording import format_ratio, thousands
from stepcheck_reference.oracle.histogram import BEYOND, BINS, INSIDE

_SLOT, _TALL = 4, 24
_DRAWN_ONE_BY_ONE = 32
"""Steps up to which each has its dot and interval; more are drawn as a line and a band."""
_APART = 0.09
"""How far off, in heights of the drawing, the failing step must be to be seen; nearer ones are drawn close up."""

Pair = tuple[float, float]


def total(ratios: Iterable[Sequence[int]]) -> list[int]:
    """Return the sum of several counts, one number a bin."""
    counts = [0] * BINS
    for part in ratios:
        for at, number in enumerate(part):
            counts[at] += number
    return counts


def spread(counts: Sequence[int], name: str) -> Markup:
    """Return a small histogram: 16 bars up to the envelope's edge, a line there, and bars beyond it.

    The height of a bar is the logarithm of its count, so that one element in a million is seen.
    """
    most = math.log1p(max(counts, default=0))
    if not most:
        return Markup("")
    inside = _bars(counts[:INSIDE], 0, most)
    edge = INSIDE * _SLOT + 1
    beyond = _bars(counts[INSIDE:], edge + 2, most)
    width = edge + 2 + (BINS - INSIDE) * _SLOT
    said = f"{name}: {_told(counts)}"
    return Markup(
        f'<svg class="spread" viewBox="0 0 {width} {_TALL}" role="img" aria-label="{escape(said)}">'
        f"<title>{escape(said)}</title>"
        f'<path class="inside" d="{inside}"/><path class="beyond" d="{beyond}"/>'
        f'<path class="edge" d="M{edge} 0V{_TALL}"/><path class="base" d="M0 {_TALL - 0.5}H{width}"/></svg>'
    )


def _bars(counts: Sequence[int], left: float, most: float) -> str:
    parts = []
    for at, number in enumerate(counts):
        if number:
            height = max(1.5, (_TALL - 1) * math.log1p(number) / most)
            parts.append(f"M{_figure(left + at * _SLOT)} {_TALL - 1}v-{_figure(height)}h{_SLOT - 1}v{_figure(height)}z")
    return "".join(parts)


def _told(counts: Sequence[int]) -> str:
    """Return the histogram in a sentence."""
    every, beyond = sum(counts), sum(counts[INSIDE:])
    half = sum(counts[: INSIDE // 2])
    said = f"{half / every:.0%} of {thousands(every)} errors below half the radius"
    if not beyond:
        return f"{said}, none beyond it"
    marks = ["1", *(f"{edge:g}" for edge in BEYOND)]
    far = max(at for at in range(INSIDE, len(counts)) if counts[at])
    return f"{said}, {thousands(beyond)} beyond it, the furthest more than {marks[far - INSIDE]} radii off"


# The course of a failure: values on top, errors in radii below.

_WIDTH, _HEIGHT = 340, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 16, 38


class _Frame:
    """A rectangle to draw in: steps from left to right, values from bottom to top."""

    def __init__(self, last: int, low: float, high: float) -> None:
        self.last, self.low, self.high = max(last, 1), low, high

    def x(self, step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (0.04 + 0.92 * step / self.last)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - min(max(share, -2.0), 3.0))

    def at(self, step: float, value: float) -> str:
        return f"{_figure(self.x(step))} {_figure(self.y(value))}"

    def axes(self, ticks: Iterable[tuple[float, str]]) -> str:
        parts = []
        for value, label in ticks:
            y = _figure(self.y(value))
            parts.append(f'<path class="rule" d="M{_LEFT} {y}H{_WIDTH - _RIGHT}"/>')
            parts.append(f'<text class="tick end" x="{_LEFT - 6}" y="{y}" dy=".32em">{escape(label)}</text>')
        for step in _steps(self.last):
            x = _figure(self.x(step))
            parts.append(f'<text class="tick middle" x="{x}" y="{_HEIGHT - 10}">{step}</text>')
        return "".join(parts)


def course(failure: Failure) -> Markup:
    """Return two drawings of the failure's course, "" where it has none: its values, and its errors in radii."""
    if failure.worst is None or all(point.step != failure.worst.step for point in failure.path):
        return Markup("")
    return Markup(_values(failure) + _errors(failure))


def _values(failure: Failure) -> str:
    worst, path = failure.worst, failure.path
    assert worst is not None
    failing = next(point for point in path if point.step == worst.step)
    observed, expected = float(failing.observed), float(failing.expected)
    low, high = _range(end for point in path for end in _ends(point))
    near = abs(observed - expected) < _APART * (high - low)
    if near and len(path) > 1:
        low, high = _range(_ends(failing), room=1.2)
    frame = _Frame(path[-1].step, low, high)
    lines = _each(frame, path, _jumps(failure)) if len(path) <= _DRAWN_ONE_BY_ONE else _many(frame, path)
    parts = [frame.axes(_ticks(low, high, expected)), _inside("".join(lines))]
    where = observed if math.isfinite(observed) else (low if observed < 0 else high)
    from_ = next((float(point.observed) for point in reversed(path) if point.step < worst.step), where)
    away = 0.0 if from_ == where or not math.isfinite(observed) else 15.0 if where < from_ else -15.0
    parts.append(_failing(frame, failing.step, where, _short(failing.observed), away))
    what = f"{worst.output} of p{worst.tensor}[{worst.index}]"
    said = (
        f"{what} over {path[-1].step} steps. In step {worst.step} it is {worst.observed}, "
        f"but should be {worst.expected} ± {worst.radius}."
    )
    return _drawing("".join(parts), f"{what}, {f'close to step {worst.step}' if near else 'step by step'}", said)


def _ends(point: Point) -> list[float]:
    """Return the numbers that a drawing of ``point`` has to have room for."""
    expected, radius = float(point.expected), float(point.radius)
    ends = [expected - radius, expected + radius] if math.isfinite(radius) else [expected]
    return [end for end in (float(point.observed), *ends) if math.isfinite(end)]


def _jumps(failure: Failure) -> set[int]:
    """Return the steps before which the script itself put the parameter elsewhere."""
    worst = failure.worst
    if worst is None or worst.output != "theta":
        return set()
    steps = enumerate(failure.script.get("steps", ()), 1)
    return {number for number, step in steps if worst.tensor in [entry[0] for entry in step.get("overwrite", ())]}


def _inside(lines: str) -> str:
    """Return ``lines`` cut off where the frame ends."""
    box = f"{_LEFT} 4 {_WIDTH - _LEFT} {_HEIGHT - _BOTTOM + 6}"
    x, y, width, height = box.split()
    return f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{box}">{lines}</svg>'


def _each(frame: _Frame, path: Sequence[Point], jumps: set[int]) -> list[str]:
    parts = []
    before: Point | None = None
    for point in path:
        observed, expected, radius = float(point.observed), float(point.expected), float(point.radius)
        judged = math.isfinite(expected) and math.isfinite(radius)
        if before is not None and math.isfinite(float(before.observed)) and point.step not in jumps:
            start = frame.at(before.step, float(before.observed))
            if judged:
                parts.append(f'<path class="due" d="M{start}L{frame.at(point.step, expected)}"/>')
            if math.isfinite(observed):
                parts.append(f'<path class="went" d="M{start}L{frame.at(point.step, observed)}"/>')
        if judged and point.step:
            bottom, top = frame.y(expected - radius), frame.y(expected + radius)
            middle, tall = (bottom + top) / 2, max(bottom - top, 3.0)
            x = frame.x(point.step) - 7
            box = f'x="{_figure(x)}" y="{_figure(middle - tall / 2)}" width="14" height="{_figure(tall)}" rx="1.5"'
            parts.append(f'<rect class="envelope" {box}/>')
        if math.isfinite(observed):
            place = f'cx="{_figure(frame.x(point.step))}" cy="{_figure(frame.y(observed))}"'
            parts.append(f'<circle class="observed" {place} r="3.2"/>')
        before = point
    return parts


def _many(frame: _Frame, path: Sequence[Point]) -> list[str]:
    upper: list[str] = []
    lower: list[str] = []
    for point in path:
        expected, radius = float(point.expected), float(point.radius)
        if math.isfinite(expected) and math.isfinite(radius):
            reach = max(frame.y(expected) - frame.y(expected + radius), 1.5)
            x = _figure(frame.x(point.step))
            upper.append(f"{x} {_figure(frame.y(expected) - reach)}")
            lower.append(f"{x} {_figure(frame.y(expected) + reach)}")
    line = [frame.at(point.step, float(point.observed)) for point in path if math.isfinite(float(point.observed))]
    parts = [f'<path class="envelope" d="M{"L".join([*upper, *reversed(lower)])}z"/>'] if upper else []
    return [*parts, f'<path class="went" d="M{"L".join(line)}"/>'] if line else parts


def _errors(failure: Failure) -> str:
    worst = failure.worst
    assert worst is not None
    path = [point for point in failure.path if point.step or worst.step == 0]
    radii = [(point.step, _radii(point)) for point in path]
    every = [float(worst.ratio), *(value for _, value in radii)]
    finite = [value for value in every if math.isfinite(value)]
    endless = any(math.isinf(value) for value in every)
    top = max(1.6, _scaled(max(finite, default=0.0)) * 1.12) + (0.5 if endless else 0.0)
    frame = _Frame(failure.path[-1].step, 0.0, top)
    ticks = [(0.0, "0"), (1.0, "1")]
    decades = [power for power in range(1, 400) if 1.0 + power <= top]
    apart = max(1, math.ceil(len(decades) / 4))
    ticks += [(1.0 + power, f"1e{power}" if power > 2 else f"{10**power}") for power in decades[::apart]]
    edge = _figure(frame.y(1.0))
    floor = _figure(frame.y(0.0) - frame.y(1.0))
    parts = [
        f'<rect class="allowed" x="{_LEFT}" y="{edge}" width="{_WIDTH - _LEFT - _RIGHT}" height="{floor}"/>',
        frame.axes(ticks),
        f'<path class="edge" d="M{_LEFT} {edge}H{_WIDTH - _RIGHT}"/>',
    ]
    dots = len(path) <= _DRAWN_ONE_BY_ONE
    for step, value in radii:
        if math.isnan(value) or step == worst.step:
            continue
        height = top if math.isinf(value) else _scaled(value)
        kind = "outside" if value > 1 else "within"
        parts.append(f'<path class="stem {kind}" d="M{frame.at(step, 0.0)}V{_figure(frame.y(height))}"/>')
        if dots:
            x, y = frame.at(step, height).split()
            parts.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="2.6"/>')
    value = float(worst.ratio)
    height = _scaled(value) if math.isfinite(value) else top
    parts.append(f'<path class="stem outside" d="M{frame.at(worst.step, 0.0)}V{_figure(frame.y(height))}"/>')
    parts.append(_failing(frame, worst.step, height, "∞" if math.isinf(value) else format_ratio(worst.ratio)))
    far = format_ratio(worst.ratio)
    said = f"The error in each step, in radii; 1 is the edge of the envelope. Step {worst.step}: {far}."
    return _drawing("".join(parts), "Error in radii, step by step", said)


def _radii(point: Point) -> float:
    """Return the error of one step in radii: inf where it is exact and wrong, nan where it was not compared."""
    observed, expected, radius = float(point.observed), float(point.expected), float(point.radius)
    if math.isnan(radius):
        return math.nan
    if not math.isfinite(observed):
        return math.inf
    error = abs(observed - expected)
    return error / radius if radius else (math.inf if error else 0.0)


def _scaled(value: float) -> float:
    """Return ``value`` on a scale that is linear up to 1 and logarithmic beyond, with 10 at 2."""
    return value if value <= 1.0 else 1.0 + math.log10(value)


def _failing(frame: _Frame, step: int, value: float, label: str, away: float = 0.0) -> str:
    """Return the mark of the step that breaks, its label ``away`` from the line that leads there."""
    x, y = frame.x(step), frame.y(value)
    side, shift = ("end", -12.0) if x > (_WIDTH + _LEFT) / 2 else ("start", 12.0)
    return (
        f'<circle class="ring" cx="{_figure(x)}" cy="{_figure(y)}" r="7"/>'
        f'<circle class="failing" cx="{_figure(x)}" cy="{_figure(y)}" r="3.6"/>'
        f'<text class="label {side}" x="{_figure(x + shift)}" y="{_figure(y + away)}" dy=".32em">{escape(label)}</text>'
    )


def _drawing(inside: str, title: str, said: str) -> str:
    axis = f'<text class="tick end" x="{_LEFT - 6}" y="{_HEIGHT - 10}">step</text>'
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg class="course" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-label="{escape(said)}"><title>{escape(title)}</title><desc>{escape(said)}</desc>'
        f"{inside}{axis}</svg></figure>"
    )


def _range(values: Iterable[float], room: float = 0.08) -> Pair:
    """Return a range around ``values`` with ``room`` on both sides, in units of its width."""
    there = list(values) or [0.0]
    low, high = min(there), max(there)
    if not math.isfinite(high - low):
        return max(low, -8e307), min(high, 8e307)
    beside = (high - low) * room or max(abs(high), 1e-300) * 0.1
    return low - beside, high + beside


def _ticks(low: float, high: float, base: float) -> list[tuple[float, str]]:
    """Return round numbers between ``low`` and ``high`` with their labels.

    Where they would differ in the seventh figure only, ``base`` has its value and the others their distance from it.
    """
    width = high - low
    if not (math.isfinite(width) and width > 1e-290):
        return [(low, f"{low:.3g}"), (high, f"{high:.3g}")]
    size = 10.0 ** math.floor(math.log10(width / 4))
    size = next(step for factor in (1, 2, 5, 10) if width / (step := size * factor) <= 5.5)
    if max(abs(low), abs(high)) > 1e5 * size:
        start = base if low <= base <= high else low
        steps = range(math.ceil((low - start) / size), math.floor((high - start) / size) + 1)
        return [(start + at * size, f"{at * size:+.2g}" if at else f"{start:.6g}") for at in steps]
    return [(at * size, f"{at * size:.6g}") for at in range(math.ceil(low / size), math.floor(high / size) + 1)]


def _steps(last: int) -> list[int]:
    size = next(step for power in range(9) for factor in (1, 2, 5) if last / (step := factor * 10**power) <= 6)
    return list(range(0, last + 1, size))


def _short(value: Number) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def names(ratios: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the outputs of ``ratios``, parameters first."""
    return sorted(ratios, key=lambda name: (name != "theta", name))
