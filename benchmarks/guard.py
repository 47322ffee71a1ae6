"""``guard record``, ``guard check`` and ``guard matrix``: wall time and size, compared with their targets.

python benchmarks/guard.py [RUNS] [VERSION,VERSION,...]

Medians over RUNS (default 3) of recording and checking the default corpus as a user does, and the size of the baseline.
With VERSIONs one run of the matrix over them in a cache of its own, whose time beyond installations is divided by their
number; they are downloaded where uv does not have them.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RECORD = CHECK = 90.0
"""Seconds on two cores."""
MEGABYTES = 20.0
COLUMN = 120.0
"""Seconds a version beyond its installation."""


def run(*arguments: str) -> tuple[float, str]:
    """Return (seconds, output) of one guard command; raises CalledProcessError where it fails."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "stepcheck", "guard", *arguments], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, done.stdout + done.stderr


def main() -> None:
    """Print a line for each run, and the medians with their targets."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    recorded, checked = [], []
    with tempfile.TemporaryDirectory() as folder:
        baseline = Path(folder, "baseline")
        for _ in range(runs):
            recorded.append(run("record", str(baseline), "--force")[0])
            seconds, output = run("check", str(baseline))
            checked.append(seconds)
            summary = " ".join(re.findall(r"compared .*|exit code .*", output))
            print(f"record {recorded[-1]:.1f} s, check {seconds:.1f} s: {' '.join(summary.split())}", flush=True)
        size = sum(path.stat().st_size for path in baseline.iterdir()) / 1e6
        print(f"record    median of {runs}: {statistics.median(recorded):.1f} s (target {RECORD:.0f} s)")
        print(f"check     median of {runs}: {statistics.median(checked):.1f} s (target {CHECK:.0f} s)")
        print(f"baseline  {size:.1f} MB (target {MEGABYTES:.0f} MB)")
        if len(sys.argv) > 2:
            seconds, output = run("matrix", "--torch", sys.argv[2], "--cache", str(Path(folder, "cache")), "--md", "-")
            installed = sum(float(figure) for figure in re.findall(r"installed as \S+ in (\d+) s", output))
            count = len(sys.argv[2].split(","))
            each = (seconds - installed) / count
            print(
                f"matrix    {seconds:.0f} s for {count} versions, {installed:.0f} s of them installations: "
                f"{each:.0f} s a version beyond its installation (target {COLUMN:.0f} s)"
            )


if __name__ == "__main__":
    main()
