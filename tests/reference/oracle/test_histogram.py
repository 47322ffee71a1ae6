"""Ratios counted by how near they are to the edge of the envelope, and the trace of one real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from exam.evaluation_orders import ORDERS, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.histogram import BINS, INSIDE, SAMPLE, histogram
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.oracle.judgement import Judgement
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trace, Trajectory

ADAM = rules.find("adam")
HYPER = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}


def counted(*ratios: float) -> dict[int, int]:
    """Return the bins that hold something."""
    counts = histogram(np.array(ratios), max(ratios, default=0.0))
    return {int(at): int(counts[at]) for at in np.flatnonzero(counts)}


@pytest.mark.parametrize(
    ("ratio", "bin_"),
    [
        (0.0, 0),
        (1 / 16, 1),
        (0.9999999, INSIDE - 1),
        (1.0, INSIDE - 1),
        (1.0000001, INSIDE),
        (10.0, INSIDE),
        (10.1, INSIDE + 1),
        (1e6, INSIDE + 2),
        (1e300, BINS - 1),
        (float("inf"), BINS - 1),
    ],
)
def test_every_ratio_has_one_bin_and_the_edge_is_inside(ratio: float, bin_: int) -> None:
    assert counted(ratio) == {bin_: 1}
    assert counted(0.5, ratio) == {INSIDE // 2: 1, bin_: 1}


def test_nothing_is_in_no_bin_and_what_was_not_compared_neither() -> None:
    assert counted() == {}
    assert counted(-1.0) == {}
    assert counted(-1.0, 0.0, -1.0, 2.0) == {0: 1, INSIDE: 1}


def test_a_large_sample_stands_for_all_and_what_is_beyond_is_counted_one_by_one() -> None:
    ratios = np.tile((np.arange(INSIDE) + 0.5) / INSIDE, 5 * SAMPLE // INSIDE)
    even = histogram(ratios, ratios.max())
    assert abs(int(even.sum()) - ratios.size) < INSIDE
    assert even[:INSIDE].min() > 0.9 * ratios.size / INSIDE
    ratios[1] = 7.0  # not among those that are sampled
    beyond = histogram(ratios, 7.0)
    assert beyond[INSIDE] == 1
    assert abs(int(beyond.sum()) - ratios.size) < INSIDE


def displaced(script: Script, step: int, index: int, by: float) -> Trajectory:
    """Return Adam's trajectory with one element displaced after ``step``; the next step starts from that."""
    trajectory = run(ORDERS[0].step, script, plain("float32"))
    trace = trajectory.traces[0]
    theta, before = np.array(trace.theta), np.array(trace.before)
    theta[step - 1, index] += by
    before[step, index] += by
    return replace(trajectory, traces=(replace(trace, theta=theta, before=before),))


def judged(script: Script, trajectory: Trajectory, **more: object) -> Judgement:
    return judge(ADAM, script, trajectory, {"float32": plain("float32")}, **more)  # type: ignore[arg-type]


def test_the_oracle_counts_every_output_and_what_is_broken() -> None:
    script = script_for("float32", size=6, steps=4, hyper=HYPER, regime="normal", scale=1.0, seed=3)
    right = judged(script, run(ORDERS[0].step, script, plain("float32")))
    assert {name: int(counts.sum()) for name, counts in right.ratios.items()} == {"m": 24, "v": 24, "theta": 24}
    assert all(not counts[INSIDE:].any() for counts in right.ratios.values())
    wrong = judged(script, displaced(script, 2, 5, 1.0))
    assert int(wrong.ratios["theta"].sum()) == 24
    assert {name: int(counts[INSIDE:].sum()) for name, counts in wrong.ratios.items()} == {"m": 0, "v": 0, "theta": 2}
    assert wrong.broken == {"theta": 2}


def test_an_element_that_is_not_compared_is_in_no_bin() -> None:
    script = Script(
        (Tensor((2,), "float32", Literal((1.0,))),),
        (Group((0,), HYPER),),
        (Step((Literal((float("inf"), 1.0)),)),),
    )
    with np.errstate(all="ignore"):
        judgement = judged(script, run(ORDERS[0].step, script, plain("float32")))
    assert judgement.compared == 1
    assert {name: int(counts.sum()) for name, counts in judgement.ratios.items()} == {"m": 1, "v": 1, "theta": 1}


def test_a_watched_real_has_a_deviation_per_step() -> None:
    script = script_for("float32", size=6, steps=4, hyper=HYPER, regime="normal", scale=1.0, seed=3)
    trajectory = displaced(script, 2, 5, 1.0)
    trace = judged(script, trajectory, watch=[("theta", 0, 5)]).watched
    assert [point.step for point in trace] == [1, 2, 3, 4]
    assert [point.observed for point in trace] == [float(value) for value in trajectory.traces[0].theta[:, 5]]
    assert [point.ratio > 1.0 for point in trace] == [False, True, True, False]
    (worst,) = judged(script, trajectory).breaks
    assert worst in trace
    assert judged(script, trajectory).watched == []


def test_a_scalar_state_is_counted_and_watched_too() -> None:
    rule = rules.find("nadam")
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "momentum_decay": 0.004}
    decays = [0.9 * (1 - 0.5 * 0.96 ** (step * 0.004)) for step in (1, 2)]
    products = np.array([[1.0], [decays[0]], [decays[0] * decays[1] + 0.25]])
    zeros = np.zeros((3, 2))
    present = np.ones(3, dtype=np.bool_)
    trace = Trace(
        before=zeros[1:],
        theta=zeros[1:],
        states={"m": zeros, "v": zeros, "mu_product": products},
        present=dict.fromkeys(("m", "v", "mu_product"), present),
        count=np.arange(3.0),
    )
    script = Script((Tensor((2,), "float64", Literal((0.0,))),), (Group((0,), hyper),), (Step((Literal((0.0,)),)),) * 2)
    trajectory = Trajectory((trace,), 2, None, ("m", "v", "mu_product"))
    judgement = judge(rule, script, trajectory, {"float64": plain("float64")}, watch=[("mu_product", 0, 0)])
    counts = judgement.ratios["mu_product"]
    assert (int(counts[:INSIDE].sum()), int(counts[INSIDE:].sum())) == (1, 1)
    assert [point.observed for point in judgement.watched] == [products[1, 0], products[2, 0]]
    assert [point.ratio > 1.0 for point in judgement.watched] == [False, True]
