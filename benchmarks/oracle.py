"""What the oracle costs: centre and radius for AdamW, in nanoseconds an element-step, one thread.

    python benchmarks/oracle.py [--repeats 15]

Prints the median beside the target, then the same figure for other numbers of elements, steps and
tensors, as a ratio: the cost is linear in elements and steps and does not depend on the tensors.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np

from exam.evaluation_orders import ORDERS, run, script_for
from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.judge import judge
from stepcheck_reference.scripts.script import Drawn, Group, Script, Step, Tensor
from stepcheck_reference.scripts.trajectory import Trajectory

TARGETS = {"float16": 200.0, "bfloat16": 200.0, "float32": 200.0, "float64": 1000.0}
HYPER = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def prepared(dtype: str, elements: int, steps: int, tensors: int) -> tuple[Script, Trajectory]:
    """Return a script over ``elements`` elements in all, and AdamW's trajectory on it (at weight decay 0)."""
    size = elements // tensors
    single = script_for(dtype, size=size, steps=steps, hyper=HYPER, regime="normal", scale=1.0, seed=1)
    trajectory = run(ORDERS[0].step, single, plain(dtype))
    script = Script(
        tuple(Tensor((size,), dtype, Drawn("normal", 1)) for _ in range(tensors)),
        (Group(tuple(range(tensors)), {**HYPER, "weight_decay": 0.0}),),
        tuple(Step(step.gradients * tensors) for step in single.steps),
    )
    return script, Trajectory(trajectory.traces * tensors, steps, None, trajectory.observed)


def measure(dtype: str, elements: int, steps: int, tensors: int, repeats: int) -> float:
    """Return the median cost of one element-step in nanoseconds."""
    script, trajectory = prepared(dtype, elements, steps, tensors)
    rule, arithmetics = rules.find("adamw"), {dtype: plain(dtype)}
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        judgement = judge(rule, script, trajectory, arithmetics)
        times.append(time.perf_counter() - start)
    assert judgement.compared > 0.9 * script.element_steps
    return statistics.median(times[1:]) / script.element_steps * 1e9


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    print(f"AdamW, 10 000 elements, 10 steps, median of {repeats}; numpy {np.__version__}")
    for dtype, target in TARGETS.items():
        cost = measure(dtype, 10_000, 10, 1, repeats)
        print(f"  {dtype:9s} {cost:7.0f} ns an element-step   target {target:5.0f}   ratio {cost / target:.2f}")
    base = measure("float32", 10_000, 10, 1, repeats)
    print("float32, cost of an element-step relative to 10 000 elements, 10 steps, 1 tensor:")
    for elements, steps, tensors in ((100_000, 10, 1), (10_000, 100, 1), (10_000, 10, 10), (10_000, 10, 100)):
        cost = measure("float32", elements, steps, tensors, max(3, repeats // 3))
        print(f"  {elements:7d} elements {steps:4d} steps {tensors:4d} tensors   {cost / base:5.2f}")


if __name__ == "__main__":
    main()
