"""``certify torch.optim --profile quick``: wall time beside its target, and where the time goes.

python benchmarks/certify_torch_optim.py [RUNS] [TARGET]

Medians over RUNS (default 3) of the command as a user runs it; TARGET (default torch.optim) may be one class. Then one
more run in this process, whose parts are timed: its own processor time, and the wall time, which includes its worker's.
"""

from __future__ import annotations

import functools
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

TARGET = "torch.optim"
LIMIT = 90.0
"""Seconds that all classes may take on two cores."""


def run(target: str) -> tuple[float, dict[str, Any], int]:
    """Return (seconds, certificate, exit code) of one run of the command line."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        command = [sys.executable, "-m", "stepcheck", "certify", target, "--profile", "quick", "--json"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - start
        out.seek(0)
        return seconds, json.load(out), done.returncode


class Clock:
    """Processor and wall time of some functions, those inside others included."""

    def __init__(self) -> None:
        self.processor: defaultdict[str, float] = defaultdict(float)
        self.wall: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()

    def time(self, home: object, name: str, label: str) -> None:
        """Time the function called ``name`` in ``home`` as ``label``."""
        function: Callable[..., Any] = getattr(home, name)

        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            processor, wall = time.process_time(), time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.processor[label] += time.process_time() - processor
                self.wall[label] += time.perf_counter() - wall
                self.calls[label] += 1

        setattr(home, name, timed)


def parts(target: str) -> None:
    """Print where the time of one process goes."""
    from stepcheck.certification import certify
    from stepcheck.certification.cells import evaluator
    from stepcheck_implementations.workers.pool import Workers
    from stepcheck_properties.examination import examine
    from stepcheck_reference.oracle import comparison, judge, judged_run

    clock = Clock()
    clock.time(certify, "survey", "describing the classes, with torch's start")
    clock.time(judged_run, "program_of", "compiling rules")
    clock.time(evaluator.CellEvaluator, "evaluate", "evaluating cells")
    clock.time(Workers, "run", "  running scripts")
    clock.time(examine, "judge_all", "  oracle: the scripts of a cell")
    clock.time(judge, "Comparison", "    reading trajectories")
    clock.time(comparison.Comparison, "judge", "    envelopes and comparison")
    clock.time(examine, "edge_cases", "  making edge cases")
    clock.time(examine, "drawn", "  drawing scripts")
    clock.time(evaluator.CellEvaluator, "replay_known_issues", "  witnesses of known issues")
    clock.time(evaluator.CellEvaluator, "_cell_result", "  failures and results")
    certificate = certify.certify(target, jobs=1)
    evaluated = [cell for cell in certificate.cells if cell.scripts]
    print(f"one process: {certificate.run.seconds:.1f} s, {len(evaluated)} cells")
    print(f"{'':46}{'processor':>10}{'wall':>8}{'calls':>8}")
    for label in clock.calls:
        print(f"{label:<46}{clock.processor[label]:>8.2f} s{clock.wall[label]:>6.1f} s{clock.calls[label]:>8}")
    classes: Counter[str] = Counter(cell.target for cell in evaluated)
    print("cells evaluated: " + ", ".join(f"{name.rpartition('.')[2]} {count}" for name, count in classes.items()))


def main() -> None:
    """Print one line a run, the medians, and where the time goes."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    target = sys.argv[2] if len(sys.argv) > 2 else TARGET
    times = []
    for _ in range(runs):
        seconds, certificate, code = run(target)
        cells = [cell for cell in certificate["verdict"]["cells"] if cell["scripts"]]
        compared = sum(cell["compared"] for cell in cells)
        times.append(seconds)
        summary = f"{len(cells)} cells evaluated, {compared:,} element-steps compared, exit code {code}"
        print(f"{seconds:.2f} s, {summary}", flush=True)
    limit = f" (target {LIMIT:.0f} s)" if target == TARGET else ""
    print(f"median of {runs}: {statistics.median(times):.2f} s{limit}")
    parts(target)


if __name__ == "__main__":
    main()
