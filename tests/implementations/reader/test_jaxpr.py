"""What is read of a jaxpr: every primitive that works element by element, and names of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest
from sympy import Eq, Ge, Max, Min, Piecewise, Rational, sign, sqrt

from stepcheck.code_reading.identify import Choice, identified_by
from stepcheck.code_reading.read import read_by
from stepcheck.code_reading.verification import PARTS, verify
from stepcheck_implementations.driver.target import TargetError, load
from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.jaxpr.folded_graph import FoldedGraph
from stepcheck_implementations.reader.jaxpr.primitives import TABLE
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.alphabet import beta1, g, lr, t, theta, weight_decay
from stepcheck_reference.reading.expressions import Expressions
from stepcheck_reference.reading.merging import same
from stepcheck_reference.reading.reading import Reading

SUBJECTS = "tests/implementations/subjects/transformations.py"


def needs_optax(test: Callable[..., None]) -> Callable[..., None]:
    """Skip ``test`` where optax is not installed."""
    missing = pytest.mark.skipif(find_spec("optax") is None, reason="optax is not installed: the extra optax brings it")
    return pytest.mark.optax(missing(test))


@pytest.fixture
def folded() -> FoldedGraph:
    return FoldedGraph(ExpressionGraph())


def test_the_end_of_a_counter_s_integers_is_no_branch(folded: FoldedGraph) -> None:
    count, most = folded.counted(-1), folded.graph.number(2**31 - 1)
    more = folded.add("add", count, folded.graph.number(1))
    assert folded.add("where", folded.add("lt", count, most), more, most) == folded.graph.symbol("t", "t")
    assert folded.add("where", folded.add("gt", most, count), most, more) == most


@pytest.mark.parametrize(("relation", "found"), [("eq", Eq(t, 3)), ("ge", t >= 3), ("lt", t < 3)])
def test_comparisons_of_a_counter_are_of_the_step(folded: FoldedGraph, relation: str, found: object) -> None:
    entry = folded.add(relation, folded.counted(-1), folded.graph.number(2))
    assert Expressions(folded.graph.entries, {}, {}).condition(entry, True) == found
    swapped = {"eq": "eq", "ge": "le", "lt": "gt"}[relation]
    assert folded.add(swapped, folded.graph.number(2), folded.counted(-1)) == entry


def test_whole_numbers_are_worked_out_and_others_are_not(folded: FoldedGraph) -> None:
    two, three = folded.graph.number(2), folded.graph.number(3)
    assert folded.whole(folded.add("sub", two, three)) == -1
    assert folded.whole(folded.add("add", two, folded.graph.number(0.5))) is None
    assert folded.whole(folded.add("and", folded.add("lt", three, two), folded.graph.symbol("g", "g"))) == 0
    assert folded.whole(folded.add("not", folded.add("le", two, two))) == 0


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("rsqrt", {}, 1 / sqrt(theta)),
        ("integer_pow", {"y": -2}, theta**-2),
        ("square", {}, theta**2),
        ("clamp", {}, Min(Max(g, theta), 1)),  # jax.lax.clamp(min, x, max)
        ("select_n", {}, Piecewise((1, theta > 0), (g, True))),
        ("rem", {}, theta % g),
    ],
)
def test_primitives_are_what_jax_says(folded: FoldedGraph, name: str, parameters: dict, expected: object) -> None:
    one, other = folded.graph.symbol("theta", "theta"), folded.graph.symbol("g", "g")
    operands = {
        "clamp": [one, other, folded.graph.number(1)],
        "select_n": [folded.add("gt", one, folded.graph.number(0)), other, folded.graph.number(1)],
    }.get(name, [one, other])
    entry = TABLE[name](folded, parameters, operands)
    found = Expressions(folded.graph.entries, {}, {}).expression(entry)
    assert found == expected


@pytest.mark.skipif(find_spec("optax") is not None, reason="optax is installed")
def test_without_optax_the_extra_is_named() -> None:
    with pytest.raises(TargetError, match=r"'stepcheck\[optax\]'"):
        load("optax.adan")


@pytest.fixture(scope="module")
def workers(fork_server: str) -> Iterator[Workers]:
    with Workers(address=fork_server) as opened:
        yield opened


def read(workers: Workers, name: str, **options: float) -> Reading:
    return read_by(workers, name if "." in name else f"{SUBJECTS}:{name}", "", "single", options)


@needs_optax
def test_calls_branches_and_counters_are_followed(workers: Workers) -> None:
    found = read(workers, "signed_average")
    buffer = next(symbol for symbol in found.step if symbol != theta)
    new = beta1 * buffer + (1 - beta1) * g
    used = Piecewise((sign(new), Ge(t, 3)), (g, True))
    half = Rational(1, 2)
    assert found.complete
    assert found.init == {buffer: 0}
    assert same(found.step[buffer], new, {})
    for step in (1, 5):
        clamped = Min(Max(-half, used), half)
        assert same(found.step[theta].subs(t, step), (theta - lr * clamped).subs(t, step), {})
    assert verify(found, workers).verified


@needs_optax
def test_a_number_that_cannot_be_traced_is_held(workers: Workers) -> None:
    found = read(workers, "compares")
    assert same(found.step[theta], theta - lr * (g + Rational(45, 1000) * theta), {})
    assert found.built["held_at"] == {"weight_decay": 0.045}
    assert weight_decay not in found.hyper


@needs_optax
def test_sums_over_a_tensor_are_named(workers: Workers) -> None:
    assert read(workers, "clipped").opaque == ("jax.lax.reduce_sum",)


@needs_optax
def test_casts_are_arithmetic(workers: Workers) -> None:
    found = read(workers, "rounds")
    assert same(found.step[theta], theta - lr * g, {})
    assert found.built["formats"] == ["float16"]


@needs_optax
def test_what_a_jaxpr_does_not_show_is_not_verified(workers: Workers) -> None:
    found = verify(read(workers, "changes_after_some_calls"), workers)
    assert (found.verified, found.reason) == (False, PARTS)


@needs_optax
def test_adan_of_optax_is_no_adan_of_its_paper(workers: Workers) -> None:
    answer = identified_by(workers, "optax.adan", Choice("", {"weight_decay": 0.0}), verified=False)
    assert answer is not None
    assert (answer.name, answer.verdict) == ("adan_optax", "proved")
