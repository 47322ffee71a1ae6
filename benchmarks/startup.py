"""Wall time of the commands that must feel instant, beside the targets.

python benchmarks/startup.py [RUNS]

Each command runs in a fresh interpreter; medians over RUNS (default 7) after one run that warms the disk cache.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

TARGETS = (
    (("--help",), 0.3),
    (("rules", "adam"), 1.5),
)
"""Arguments of ``python -m stepcheck``, and the seconds they may take."""


def seconds(arguments: tuple[str, ...]) -> float:
    """Return the wall time of one run of ``python -m stepcheck`` with ``arguments``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "stepcheck", *arguments], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print one line a command."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    for arguments, target in TARGETS:
        seconds(arguments)
        measured = sorted(seconds(arguments) for _ in range(runs))
        print(
            f"{' '.join(arguments):12} median {statistics.median(measured):.3f} s of {runs} "
            f"({measured[0]:.3f} to {measured[-1]:.3f}), target {target} s"
        )


if __name__ == "__main__":
    main()
