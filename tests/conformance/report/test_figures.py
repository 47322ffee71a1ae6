"""Figures: the histogram of a cell's ratios and the trace of a failure."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from conformance.certificates import HOSTILE, broken, fault, point
from stepcheck.certification.certificate import Failure, Point
from stepcheck.report.figures.ratio_histogram import ratio_histogram, total
from stepcheck.report.figures.trace_figure import trace_figure
from stepcheck_reference.oracle.histogram import BINS, INSIDE


def drawn(failure: Failure) -> list[ElementTree.Element]:
    """Return the drawings of ``failure``'s trace: its values, and its errors in radii."""
    return ElementTree.fromstring(f"<div>{trace_figure(failure)}</div>").findall("figure/svg")


def walking(path: tuple[Point, ...], step: int, observed: float | str) -> Failure:
    """Return a failure in ``step`` of ``path``."""
    failure = broken()
    assert failure.worst is not None
    return replace(failure, trace=path, worst=replace(failure.worst, step=step, observed=observed))


def classes(svg: ElementTree.Element) -> list[str]:
    return [element.get("class", "") for element in svg.iter() if element.get("class")]


def numbers(svg: ElementTree.Element) -> list[float]:
    """Return every coordinate in ``svg``."""
    result = []
    for element in svg.iter():
        for name in ("d", "x", "y", "cx", "cy", "width", "height", "points"):
            result += [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?|nan|inf", element.get(name, ""))]
    return result


def test_there_is_a_bar_for_every_bin_that_is_not_empty() -> None:
    counts = [0] * BINS
    counts[0], counts[3], counts[INSIDE + 1] = 1000, 1, 1
    svg = ElementTree.fromstring(ratio_histogram(counts, "cell"))
    paths = {element.get("class"): element.get("d", "") for element in svg.iter("path")}
    assert paths["inside"].count("M") == 2
    assert paths["beyond"].count("M") == 1
    label = svg.get("aria-label")
    assert label == "cell: 100% of 1 002 errors below half the radius, 1 beyond it, the furthest more than 10 radii off"
    title = svg.find("title")
    assert title is not None
    assert title.text == label


def test_one_in_a_million_is_visible() -> None:
    million = ratio_histogram([1_000_000, *[0] * (INSIDE - 1), 1], "cell")
    first, last = (float(height) for height in re.findall(r"v-([\d.]+)h", million))
    assert first == 23.0
    assert last >= 1.0


def test_a_cell_that_counted_nothing_has_no_bars() -> None:
    assert ratio_histogram([], "cell") == ""
    assert ratio_histogram([0] * BINS, "cell") == ""


def test_counts_add_up_whatever_their_length() -> None:
    counts = total([(1, 2), (1,), (0,) * INSIDE + (5,)])
    assert len(counts) == BINS
    assert {at: number for at, number in enumerate(counts) if number} == {0: 2, 1: 2, INSIDE: 5}


def test_a_trace_is_drawn_twice_with_the_failing_step_marked() -> None:
    values, errors = drawn(broken())
    assert classes(values).count("observed") == 4
    assert classes(values).count("envelope") == 3
    for svg in (values, errors):
        assert classes(svg).count("failing") == 1
        assert svg.find("title") is not None
        description = svg.find("desc")
        assert description is not None
        assert description.text == svg.get("aria-label")
    assert "In step 3 it is -0.5, but should be -0.25 ± 0.01." in (values.get("aria-label") or "")
    labels = [text.text for text in errors.iter("text")]
    assert {"0", "1", "10", "25", "step"} <= set(labels)


def test_the_failing_step_is_where_the_others_are_not() -> None:
    values, _ = drawn(broken())
    boxes = [float(element.get("y", "0")) for element in values.iter("rect") if element.get("class") == "envelope"]
    failing = next(element for element in values.iter("circle") if element.get("class") == "failing")
    assert float(failing.get("cy", "0")) > boxes[-1] + 20


@pytest.mark.parametrize("observed", ["nan", "inf", "-inf"])
def test_a_value_that_is_not_finite_is_at_the_edge_with_its_name(observed: str) -> None:
    path = (point(0, 0.0, 0.0), point(1, 1.0, 1.0), point(2, observed, 2.0), point(3, observed, "nan", "nan"))
    values, errors = drawn(walking(path, 2, observed))
    assert observed in [text.text for text in values.iter("text")]
    for svg in (values, errors):
        assert all(math.isfinite(number) for number in numbers(svg))


@pytest.mark.parametrize(
    "path",
    [
        (point(0, 1.0, 0.0, 0.0),),
        (point(0, 0.0, 0.0, 0.0), point(1, 0.0, 1e-320, 0.0)),
        (point(0, 1.7e308, 1.7e308), point(1, -1.7e308, 1.7e308, 1e300)),
        (point(0, 1.0, 1.0, 0.0), point(1, 1.0 + 2.0**-50, 1.0, 2.0**-53)),
        (point(0, 5.0, 5.0, 0.0), point(1, 5.0, 6.0, 0.0)),
        tuple(point(step, math.sin(step), math.sin(step) + (step == 250), 0.1) for step in range(301)),
        (point(0, 1.0, 1.0), point(1, "nan", "inf", "nan")),
    ],
    ids=["start", "subnormal", "huge", "ulps", "count", "long", "nothing"],
)
def test_any_trace_stays_inside_its_frame(path: tuple[Point, ...]) -> None:
    failing = next((entry for entry in path if entry.step == 250), path[-1])
    for svg in drawn(walking(path, failing.step, failing.observed)):
        assert all(-400 <= number <= 700 for number in numbers(svg))
        for inner in svg.findall("svg"):
            svg.remove(inner)  # it is cut off at the frame
        assert all(-30 <= number <= 400 for number in numbers(svg))
        labels = [text.text or "" for text in svg.iter("text") if text.get("class") == "tick end"]
        assert len(set(labels)) == len(labels)
        assert all(len(label) <= 12 for label in labels)


def test_ticks_that_would_read_the_same_are_distances() -> None:
    path = (point(0, 1.0, 1.0, 0.0), point(1, 1.0 + 2.0**-50, 1.0, 2.0**-53))
    values, _ = drawn(walking(path, 1, path[1].observed))
    labels = [text.text or "" for text in values.iter("text") if text.get("class") == "tick end"]
    assert "1" in labels
    assert "+5e-16" in labels


def test_a_failing_step_that_is_hardly_off_is_drawn_close_up() -> None:
    path = (point(0, 0.0, 0.0, 0.0), point(1, 100.0, 100.0), point(2, 1.012, 1.0))
    values, _ = drawn(walking(path, 2, 1.012))
    assert "close to step 2" in (values.findtext("title") or "")
    boxes = [element for element in values.iter("rect") if element.get("class") == "envelope"]
    failing = next(element for element in values.iter("circle") if element.get("class") == "failing")
    top = float(boxes[-1].get("y", "0"))
    assert float(boxes[-1].get("height", "0")) > 20
    assert float(failing.get("cy", "0")) < top
    assert "step by step" in (drawn(broken())[0].findtext("title") or "")


def test_there_is_no_line_to_an_overwritten_parameter() -> None:
    failure = broken()
    steps = [dict(step) for step in failure.script["steps"]]
    steps[1]["overwrite"] = [[0, [0.0]]]
    overwritten = replace(failure, script={**failure.script, "steps": steps})
    assert classes(drawn(failure)[0]).count("path") == 3
    assert classes(drawn(overwritten)[0]).count("path") == 2


def test_a_long_trace_is_a_line_and_a_band() -> None:
    path = (*(point(step, step / 10, step / 10) for step in range(299)), point(299, 99.0, 29.9))
    values, errors = drawn(walking(path, 299, 99.0))
    assert classes(values).count("envelope") == 1
    assert "observed" not in classes(values)
    assert classes(errors).count("failing") == 1


def test_a_failure_without_a_trace_is_not_drawn() -> None:
    assert trace_figure(fault()) == ""
    assert trace_figure(replace(broken(), trace=())) == ""
    assert trace_figure(walking((point(0, 0.0, 0.0),), 3, 1.0)) == ""


def test_names_are_escaped() -> None:
    svg = ElementTree.fromstring(ratio_histogram([1], HOSTILE.replace("\x00\x1b", "")))
    assert "<script>" in (svg.get("aria-label") or "")
    assert not list(svg.iter("script"))
