"""The theorems about the rules: what ``stepcheck prove`` prints, and how long each proof takes.

    python benchmarks/theorems.py [--markdown]

With --markdown it writes the lines into docs/theorems.md, too.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from stepcheck.proving import prove
from stepcheck.report.theorem_lines import render_theorem, render_totals

PAGE = Path(__file__).resolve().parent.parent / "docs" / "theorems.md"
BLOCK = re.compile(r"(?<=```console\n\$ stepcheck prove\n).*?(?=```)", re.DOTALL)


def main() -> None:
    """Print the lines and the seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markdown", action="store_true", help="write docs/theorems.md")
    options = parser.parse_args()
    start = time.perf_counter()
    results = list(prove())
    lines = [*map(render_theorem, results), render_totals(results)]
    print(*lines, sep="\n")
    print(f"{time.perf_counter() - start:.1f} s")
    if options.markdown:
        text = "\n".join(lines) + "\n"
        PAGE.write_text(BLOCK.sub(lambda _: text, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
