"""How many variants of the rules are named rightly from their code, and how many rules outside the space are none.

    python benchmarks/identify.py [--variants 320] [--seed 1] [--unread] [--verbose]

Variants are drawn near the rules that have a name and printed as optimizer classes, each in single tensors or in lists
of them, with states in float32 or float64. A name is right if what it stands for takes the steps of the variant at 200
bits, and wrong otherwise. With --unread the code hides what it does, and is known by its steps alone. Prints the
counts, the time of a reading and of an identification, and ends with 1 if a name is wrong or fewer than 99 % are right.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from exam.identify import outside, printed
from exam.identify.sampled import drawn_variants, is_right
from stepcheck.certification.formula.by_steps import by_steps
from stepcheck.code_reading.read import read_by
from stepcheck_implementations.workers.pool import Workers
from stepcheck_reference.identify import Identification, identify_reading
from stepcheck_reference.identify.conclusion import NONE, OBSERVED, PROVED, TOO_ALIKE, UNDECIDED, UNREAD
from stepcheck_reference.identify.variants.naming import names

HEADER = "import math\n\nimport torch\n\n\n"
HIDDEN = """

def hidden(step):
    def unseen(self):
        with torch._C.DisableTorchFunction():
            step(self)

    return unseen


{name}.step = hidden({name}.step)
"""
FROM_THEIR_START = {"MinimumOfMoments": "adam+no_second_correction"}
"""Rules outside the space whose steps are those of one inside, in all runs from their own start."""
STYLES = [(style, dtype) for style in ("single", "foreach") for dtype in ("float32", "float64")]


def identified(workers: Workers, target: str, spent: list[tuple[float, float]]) -> Identification:
    """Return the answer for ``target``, and append the seconds of reading and of identifying to ``spent``.

    Code that hides what it does is known by its steps.
    """
    begin = time.perf_counter()
    reading = read_by(workers, target, "", "single", {})
    read = time.perf_counter()
    answer = identify_reading(reading)
    if answer.verdict == UNREAD:
        answer = by_steps(reading, workers, "", "single", {})
    spent.append((read - begin, time.perf_counter() - read))
    return answer


def main() -> int:
    """Run the exam, print what it measures and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=320)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unread", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    given = parser.parse_args()
    variants = list(drawn_variants(given.variants, given.seed))
    counts: Counter[str] = Counter()
    spent: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as directory, Workers() as workers:
        file = Path(directory) / "variants.py"
        end = HIDDEN if given.unread else ""
        classes = [
            printed.code(variant, f"V{number}", *STYLES[number % len(STYLES)]) + end.format(name=f"V{number}")
            for number, variant in enumerate(variants)
        ]
        file.write_text(HEADER + "\n\n".join(classes), encoding="utf-8")
        workers.signature(f"{file}:V0")
        for number, variant in enumerate(variants):
            answer = identified(workers, f"{file}:V{number}", spent)
            if answer.name is None:
                kind = answer.verdict
            elif not is_right(answer, variant):
                kind = "wrong"
            else:
                kind = "right, proved" if answer.verdict in (PROVED, OBSERVED) else "right, not proved"
            counts[kind] += 1
            if kind != "right, proved" or given.verbose:
                said = answer.name or " or ".join(answer.also)
                print(f"{kind}: {'/'.join(STYLES[number % len(STYLES)])} {names(variant)[0].text} -> {said}")
        others = Path(directory) / "outside.py"
        others.write_text(
            HEADER + "\n\n".join(outside.code(name) + end.format(name=name) for name in outside.OUTSIDE),
            encoding="utf-8",
        )
        named = 0
        for name in outside.OUTSIDE:
            answer = identified(workers, f"{others}:{name}", spent)
            known = given.unread and answer.name == FROM_THEIR_START.get(name)
            named += answer.name is not None and not known
            if answer.name is not None or given.verbose:
                print(f"outside: {name} -> {answer.name} ({answer.verdict})")
    right = counts["right, proved"] + counts["right, not proved"]
    how = "by their steps" if given.unread else "proved"
    print(f"{len(variants)} variants: {right} named rightly ({counts['right, proved']} {how})")
    print(f"named wrongly: {counts['wrong']}")
    unnamed = {kind: count for kind, count in counts.items() if kind in (NONE, OBSERVED, TOO_ALIKE, UNDECIDED, UNREAD)}
    print(f"without a name: {sum(unnamed.values())} {unnamed or ''}")
    print(f"{len(outside.OUTSIDE)} rules outside the space: {len(outside.OUTSIDE) - named} none, {named} with a name")
    read, identify = (statistics.median(column) for column in zip(*spent, strict=True))
    slowest = max(each for _, each in spent)
    print(f"median {read:.2f} s to read, {identify:.2f} s to identify; slowest {slowest:.2f} s")
    return 0 if counts["wrong"] == named == 0 and right >= 0.99 * len(variants) else 1


if __name__ == "__main__":
    sys.exit(main())
