"""The soundness run: right arithmetic in several evaluation orders, against its declared model.

    python benchmarks/soundness.py [--element-steps 1e8] [--seed 0]

Prints, for each order and dtype, the element-steps compared and the worst ratio of error to radius; none
may be beyond 1. Then the wrong variants, in the dtypes where they can be seen. Exits 1 where one of the
first is beyond 1 or one of the second is not.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from exam.evaluation_orders import WRONG, run, script_for
from exam.soundness import DTYPES, examples, pairs
from stepcheck_reference import rules
from stepcheck_reference.oracle.arithmetic import plain
from stepcheck_reference.oracle.judge import judge

SIZE, STEPS = 2000, 25
SHARE = {"float64": 0.4}
"""float64 costs several times as much an element-step, so it gets a smaller share."""


def main() -> None:
    """Print the figures; exit 1 where one is on the wrong side of 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--element-steps", type=float, default=1e8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    shares = [SHARE.get(dtype, 1.0) for _, dtype in pairs()]
    start, compared, wrong = time.perf_counter(), 0, False
    print(f"{'order':36s}{'dtype':10s}{'compared':>12s}{'skipped':>11s}   m       v       theta   from 0")
    for (order, dtype), share in zip(pairs(), shares, strict=True):
        scripts = round(options.element_steps * share / sum(shares) / (SIZE * STEPS) * 1.12) + 1
        tally = examples(order, dtype, seed=options.seed + 1, size=SIZE, steps=STEPS, count=scripts)
        compared += tally.compared
        wrong |= max(*tally.worst.values(), tally.from_zero) > 1.0
        figures = [tally.worst["m"], tally.worst["v"], tally.worst["theta"], tally.from_zero]
        row = "  ".join(f"{figure:.4f}" for figure in figures)
        print(f"{order.name:36s}{dtype:10s}{tally.compared:12d}{tally.skipped:11d}   {row}", flush=True)
    print(f"{compared:,} element-steps compared in {time.perf_counter() - start:.0f} s")
    print("\nwrong variants, worst ratio after 8 steps, and in bfloat16 after 300:")
    hyper = {"lr": 0.1, "beta1": 0.9, "beta2": 0.99, "eps": 0.1}
    for variant in WRONG:
        row = []
        for dtype, steps in [*((dtype, 8) for dtype in DTYPES), ("bfloat16", 300)]:
            script = script_for(
                dtype, size=200, steps=steps, hyper=hyper, regime="normal", scale=0.25, seed=5, at_zero=True
            )
            trajectory = run(variant, script, plain(dtype))
            judgement = judge(rules.find("adam"), script, trajectory, {dtype: plain(dtype)})
            row.append(max(deviation.ratio for deviation in judgement.worst.values()))
        wrong |= min(row) <= 1.0
        print(f"  {variant.__name__:24s}" + "".join(f"{figure:12.4g}" for figure in row))
    raise SystemExit(int(wrong))


if __name__ == "__main__":
    main()
