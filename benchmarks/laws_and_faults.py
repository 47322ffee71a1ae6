"""The table laws x planted optimizers, from a run: every planted optimizer certified once in profile quick.

    python benchmarks/laws_and_faults.py [--markdown] [--jobs 2] [NAME ...]

Prints the table and how often each law breaks, and exits 1 where a row or a column is empty: a planted optimizer on
which no law breaks, a law that breaks on none. With --markdown it writes docs/laws-and-faults.md too. NAME keeps to
classes of that name; the page keeps the rows of all others. On two cores all of them take eight minutes.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import stepcheck
from planted import RIGHT, WRONG, Planted
from planted.planted_table import CLAIMED, LEGEND, MARKS, Row, counts, gaps, lines, read
from stepcheck.certification import certify
from stepcheck_implementations.workers import pool
from stepcheck_implementations.workers.pool import Workers
from stepcheck_properties import laws, profile

LIMIT = 600.0
"""Seconds that all may take on two cores."""
PATIENCE = 4.0
"""Seconds after which a script counts as hung; one that ends takes milliseconds."""
SHORT = 1.0
"""The same for a class that is known to hang."""
WORST_FIRST = ("broken", "holds", "vacuous", "not_applicable")
"""The verdicts of a law that the table has, the worst first."""
LATE = "mechanics/late_steps.py"
"""The file of the classes that are wrong after many steps."""
PROFILES: tuple[profile.Profile, ...] = ()
"""The profiles of this process, set by ``prepare``."""
RIGHTS = "controls"
"""What stands over the rows of optimizers that are right."""
PAGE = ROOT / "docs" / "laws-and-faults.md"


def prepare(address: str) -> None:
    """Let ``certify`` borrow the fork server at ``address``, and leave witnesses as they were found."""
    certify.Workers = functools.partial(Workers, address=address)
    global PROFILES
    PROFILES = tuple(replace(entry, reductions=0) for entry in profile.ALL)


def row(entry: Planted) -> Row:
    """Certify one planted optimizer in its dtype and mode."""
    pool.TRIAL_TIMEOUT = SHORT if entry.hangs else PATIENCE
    certify.PATIENCE = {**certify.PATIENCE, "quick": pool.TRIAL_TIMEOUT}
    # Only what is wrong late needs the run of a thousand steps.
    profile.ALL = PROFILES if entry.file == LATE else tuple(replace(budget, longest_run=2) for budget in PROFILES)
    certificate = stepcheck.certify(
        entry.target, rule=entry.claims, dtypes=[entry.dtype], modes=[entry.mode], devices=["cpu"], jobs=1
    )
    verdicts: dict[str, list[str]] = {}
    for cell in certificate.cells:
        for law in cell.laws:
            verdicts.setdefault(law.code, []).append(str(law.verdict))
    return Row(entry, {code: min(of_cells, key=place) for code, of_cells in verdicts.items()})


def place(verdict: str) -> int:
    """Return the place of a law's verdict among those of a class's configurations, the first of which counts."""
    return WORST_FIRST.index(verdict) if verdict in WORST_FIRST else len(WORST_FIRST)


def certified(entries: Sequence[Planted], jobs: int) -> list[Row]:
    """Return the row of each entry, in their order; those that hang begin first."""
    with Workers() as workers:
        workers.environment()
        context = multiprocessing.get_context("fork")
        with context.Pool(jobs, prepare, (workers.address,)) as processes:
            order = sorted(entries, key=lambda entry: not entry.hangs)
            rows = {done.entry: done for done in processes.imap_unordered(row, order)}
    return [rows[entry] for entry in entries]


def page(wrong: Sequence[Row], right: Sequence[Row], codes: Sequence[str]) -> str:
    """Return the page that is kept in the docs."""
    wrong_table, right_table = "\n".join(lines(wrong, codes)), "\n".join(lines(right, codes, RIGHTS))
    often = "\n".join(counts(wrong, laws.ALL))
    return f"""\
# Laws and faults

{len(wrong)} optimizers in `tests/planted/` have one mistake each and are named after it. Each of them has to break a
law, and each of {len(codes)} laws has to break on one of them, or it proves nothing: this is what
`python benchmarks/laws_and_faults.py --markdown` found.

```text
{LEGEND}
{wrong_table}
```

Beside them stand {len(right)} controls, on which no law may break:

```text
{right_table.strip(chr(10))}
```

How often each law breaks on a wrong one:

{often}
"""


def written() -> dict[Planted, Row]:
    """Return the rows that the page has now, which an earlier run found."""
    verdicts = {mark: verdict for verdict, mark in MARKS.items()} | {CLAIMED: "broken"}
    table = read(PAGE.read_text())
    return {
        entry: Row(entry, {code: verdicts[mark] for code, mark in table[entry.name].items() if mark in verdicts})
        for entry in WRONG + RIGHT
        if entry.name in table
    }


def main() -> None:
    """Print the table; exit 1 where it has a gap."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    os.chdir(ROOT)
    start = time.perf_counter()
    chosen = [entry for entry in WRONG + RIGHT if not options.names or entry.name in options.names]
    rows = certified(chosen, options.jobs)
    wrong, right = ([one for one in rows if one.entry in kind] for kind in (WRONG, RIGHT))
    codes = [law.code for law in laws.ALL]
    seconds = time.perf_counter() - start
    print(LEGEND, *lines(wrong, codes), *lines(right, codes, RIGHTS), "", *counts(wrong, laws.ALL), sep="\n")
    problems = gaps(wrong, right, () if options.names else codes)
    print(
        f"\n{len(wrong)} wrong and {len(right)} right optimizers, {len(codes)} laws: {len(problems)} gaps",
        *problems,
        sep="\n",
    )
    print(f"{seconds:.0f} s with {options.jobs} processes; {LIMIT:.0f} s are the limit on two cores")
    if options.markdown:
        kept = written() if options.names else {}
        wrong, right = (
            [new.get(entry) or kept[entry] for entry in kind]
            for kind, new in ((WRONG, {one.entry: one for one in wrong}), (RIGHT, {one.entry: one for one in right}))
        )
        PAGE.write_text(page(wrong, right, codes))
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
