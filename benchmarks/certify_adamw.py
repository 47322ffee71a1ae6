"""``certify torch.optim.AdamW --profile quick``: wall time, peak memory and element-steps compared, beside the targets.

python benchmarks/certify_adamw.py [RUNS]

Medians over RUNS (default 3). Memory is taken in one more run, whose time does not count, because sampling takes time
itself: the largest sum, over all processes, of their proportional set sizes (Linux: pages that several processes share
are divided among them), sampled every 50 ms. Peak resident size of the largest single process is printed beside it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = ("-m", "stepcheck", "certify", "torch.optim.AdamW", "--profile", "quick", "--json")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def family(root: int) -> set[int]:
    """Return the process ids of ``root`` and all that descend from it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    family_members = {root}
    while more := {child for child, parent in parents.items() if parent in family_members} - family_members:
        family_members |= more
    return family_members


def proportional_bytes(process: int) -> int:
    """Return a process' proportional set size, 0 once it is gone."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def run(*, sampled: bool) -> tuple[float, int, int, int]:
    """Return (seconds, peak bytes over all processes if ``sampled``, element-steps compared, exit code) of one run."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, *COMMAND], stdout=out, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        peak = 0
        while sampled and process.poll() is None:
            if sys.platform == "linux":
                peak = max(peak, sum(proportional_bytes(member) for member in family(process.pid)))
            time.sleep(0.05)
        process.wait()
        seconds = time.perf_counter() - start
        out.seek(0)
        certificate = json.load(out)
    compared = sum(cell.get("compared", 0) for cell in certificate["verdict"]["cells"])
    return seconds, peak, compared, process.returncode


def main() -> None:
    """Print one line a run and the medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    runs_done = []
    for _ in range(runs):
        seconds, _, compared, code = run(sampled=False)
        runs_done.append((seconds, compared))
        print(f"{seconds:.2f} s, {compared:,} element-steps compared, exit code {code}", flush=True)
    _, peak, _, _ = run(sampled=True)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    seconds, compared = (statistics.median(column) for column in zip(*runs_done, strict=True))
    print(f"medians of {runs}: wall {seconds:.2f} s (target 10 s)")
    print(f"  peak memory {peak / 2**20:.0f} MiB over all processes (target 1024 MiB)")
    print(f"  peak resident size of the largest process {largest / 2**20:.0f} MiB")
    print(f"  compared {compared:,.0f} element-steps (target 2,000,000)")


if __name__ == "__main__":
    main()
