r"""Which rule every optimizer class of public packages computes, whatever it is called: docs/conventions.md.

    python -m venv conventions
    conventions/bin/python -m pip install -c constraints.txt -e '.[libraries]'
    conventions/bin/python -m pip install keras lion-pytorch torch-optimi schedulefree prodigyopt adabelief-pytorch \
        torch-optimizer adan-pytorch madgrad adamp dadaptation came-pytorch qhoptim ranger21 adam-mini grokadamw \
        adabound adv-optm bitsandbytes pytorch-ranger transformers
    conventions/bin/python benchmarks/conventions.py [--packages torch.optim,optax]
        [--again optax.adan,...] [--limit 120] [--most 2] [--results FILE] [--page]

Each class is read and identified in up to ``--most`` configurations, and more where it has no name yet; the first that
has a name is compared with its runs; all within ``--limit`` seconds. Results are written to
benchmarks/results/conventions.json as they come; what is there already is not done again, unless ``--again`` names it.
``--page`` only writes the page of what is there.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conventions_page import page

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "conventions.json"
PAGE = ROOT / "docs" / "conventions.md"

PACKAGES = {
    "torch.optim": "torch",
    "lion_pytorch": "lion-pytorch",
    "optimi": "torch-optimi",
    "schedulefree": "schedulefree",
    "adabelief_pytorch": "adabelief-pytorch",
    "adan_pytorch": "adan-pytorch",
    "madgrad": "madgrad",
    "adamp": "adamp",
    "prodigyopt": "prodigyopt",
    "qhoptim.pyt": "qhoptim",
    "adabound": "adabound",
    "came_pytorch": "came-pytorch",
    "grokadamw": "grokadamw",
    "torch_optimizer": "torch-optimizer",
    "optax": "optax",
    "optax.contrib": "optax",
    "timm.optim": "timm",
    "keras.optimizers": "keras",
    "pytorch_ranger": "pytorch-ranger",
    "dadaptation": "dadaptation",
    "torchao.optim": "torchao",
    "transformers.optimization": "transformers",
    "adam_mini": "adam-mini",
    "ranger21": "ranger21",
    "bitsandbytes.optim": "bitsandbytes",
    "adv_optm": "adv-optm",
    "pytorch_optimizer": "pytorch-optimizer",
}
"""Modules with optimizer classes, and the distribution of each."""

ENVIRONMENT = {
    "KERAS_BACKEND": "torch",
    "JAX_COMPILATION_CACHE_DIR": str(Path(tempfile.gettempdir()) / "stepcheck-conventions-jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""What packages are imported with; JAX keeps what it has compiled, which each process would do again."""

LISTED = """
import importlib, inspect, json, sys, warnings
warnings.simplefilter("ignore")
name = sys.argv[1]
module = importlib.import_module(name)
if name.startswith("optax"):
    found = [n for n in dir(module) if inspect.isfunction(getattr(module, n)) and not n.startswith(("scale_by", "_"))
             and "learning_rate" in inspect.signature(getattr(module, n)).parameters]
else:
    import torch
    base = torch.optim.Optimizer if not name.startswith("keras") else module.Optimizer
    names = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    kinds = {n: getattr(module, n, None) for n in names}
    home = name.partition(".")[0]
    found = [n for n, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, base) and kind is not base
             and kind.__module__.partition(".")[0] == home and not n.startswith(("_", "Paged")) and n[-4:] not in
             ("2bit", "8bit", "4bit")]
doc = lambda n: ((inspect.getdoc(getattr(module, n)) or "").strip().splitlines() or [""])[0]
print("\\n" + json.dumps({n: doc(n) for n in found}))
"""


class OutOfTime(Exception):
    """A class that took longer than its limit."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise OutOfTime in the block after ``seconds``."""

    def late(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def listed(module: str) -> dict[str, str]:
    """Return the optimizers of ``module`` with the first line of what each says it is."""
    done = subprocess.run([sys.executable, "-c", LISTED, module], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{module}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return {}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def identified_in(target: str, seconds: int, most: int) -> dict[str, Any]:
    """Return the answers for ``target`` as JSON values, and why there are no more of them.

    The first that has a name is compared with the runs of the class, which "ran" says of each.
    """
    from stepcheck.code_reading.identify import choices, identified_by
    from stepcheck_implementations.driver.target import TargetError

    answers: list[dict[str, Any]] = []
    ended = ""
    begin = time.perf_counter()
    try:
        with limited(seconds), _reader(target) as workers:
            chosen = [choice for choice in choices(target, workers) if not choice.name.startswith("maximize")]
            options = [choice for choice in chosen if choice.name.startswith(CHOOSE_RULES)]
            chosen = [choice for choice in chosen if choice not in options]
            for choice in (*chosen[:most], *options):
                if len(answers) >= most and any(entry["name"] or entry["opaque"] for entry in answers):
                    break
                run = not any(entry["ran"] for entry in answers)
                answer = identified_by(workers, target, choice, verified=run)
                if answer is not None:
                    answers.append({**answer.to_json(), "ran": run and answer.named})
    except OutOfTime:
        ended = f"took more than {seconds} s"
    except TargetError as error:
        ended = str(error).removeprefix(f"{target}: ")
    except Exception as error:
        ended = f"{type(error).__name__}: {error}"
    return {"answers": answers, "ended": ended, "seconds": round(time.perf_counter() - begin, 1)}


def _reader(target: str) -> Any:
    """Return what reads ``target``: this process where JAX computes, which each worker would import anew."""
    from stepcheck_implementations.driver.target import load
    from stepcheck_implementations.workers.in_process import InProcess
    from stepcheck_implementations.workers.pool import Workers

    return InProcess(load(target)) if target.startswith("optax") else Workers(address=_ADDRESS[0])


CHOOSE_RULES = ("rectify", "amsgrad", "nesterov", "centered", "decouple", "bias_correction")
"""Options that make another rule of one."""

_ADDRESS: list[str] = []


def saved(results: dict[str, Any], path: Path) -> None:
    """Write ``results`` in one move."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(fresh, path)


def main() -> int:
    """Fill in the results, write the page and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", default=",".join(PACKAGES))
    parser.add_argument("--again", default="", help="targets that are done again, or all of a module")
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--most", type=int, default=2, help="configurations: defaults, what is 0 by default, options")
    parser.add_argument("--results", type=Path, default=RESULTS, help="another file, of which no page is made")
    parser.add_argument("--page", action="store_true", help="write the page of what is there")
    given = parser.parse_args()
    results = json.loads(given.results.read_text(encoding="utf-8")) if given.results.exists() else {}
    if not given.page:
        fill(results, given, set(filter(None, given.again.split(","))))
    title(results)
    saved(results, given.results)
    if given.results != RESULTS:
        return 0
    PAGE.write_text(page(results), encoding="utf-8")
    return 0


def title(results: dict[str, Any]) -> None:
    """Write into every answer that is a rule what that rule says of itself."""
    from stepcheck_reference.rules import find

    for entry in results.values():
        for answer in entry["answers"]:
            answer["title"] = find(answer["rule"]).title if answer["rule"] else ""


def fill(results: dict[str, Any], given: argparse.Namespace, again: set[str]) -> None:
    """Identify what is missing in ``results``, or named by ``again``."""
    from stepcheck_implementations.workers.pool import Workers

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    with Workers() as workers:
        workers.environment()
        _ADDRESS[:] = [workers.address]
        for module in given.packages.split(","):
            release = importlib.metadata.version(PACKAGES[module])
            for name, says in listed(module).items():
                target = f"{module}.{name}"
                entry = results.get(target)
                if entry is not None and entry["release"] == release and not again & {target, module}:
                    continue
                results[target] = {
                    **identified_in(target, given.limit, given.most),
                    "package": PACKAGES[module],
                    "release": release,
                    "says": says,
                    "date": datetime.date.today().isoformat(),
                }
                saved(results, given.results)
                first = (results[target]["answers"] or [{"name": None, "verdict": results[target]["ended"]}])[0]
                print(f"{target}: {first['name']} ({first['verdict']}), {results[target]['seconds']} s", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
