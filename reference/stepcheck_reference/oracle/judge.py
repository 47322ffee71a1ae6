"""The oracle: a rule, a script and a trajectory in; how far every element is from where it has to be, out.

Conformance is inductive: each step starts from the subject's observed parameters and state, so the check
is as sharp at step 300 as at step 1. State that cannot be observed keeps a running ball instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.oracle.comparison import Comparison
from stepcheck_reference.oracle.exact_checks import check_counts_and_initials
from stepcheck_reference.oracle.extended import Backend, backend
from stepcheck_reference.oracle.judged_run import JudgedRun
from stepcheck_reference.oracle.judgement import Judgement, Real
from stepcheck_reference.rule import Rule
from stepcheck_reference.scripts.script import Script
from stepcheck_reference.scripts.trajectory import Trajectory


@lru_cache(maxsize=4)
def _backend(name: str | None) -> Backend:
    return backend(name)


def judge(
    rule: Rule,
    script: Script,
    trajectory: Trajectory,
    arithmetics: Mapping[str, Arithmetic],
    *,
    only: str | None = None,
    wide: str | None = None,
    watch: Collection[Real] = (),
) -> Judgement:
    """Return how ``trajectory`` compares with ``rule`` on ``script``.

    ``arithmetics`` maps each dtype of the script to the arithmetic its subject declares; ``only`` restricts
    the judgement to tensors of one dtype; ``wide`` names the 113-bit backend (default: the fastest installed). The
    judgement also holds the traces of the reals in ``watch``. Raises KeyError for a judged dtype without arithmetic,
    and ValueError for a rule that needs an objective and a script without one, or vice versa.
    """
    run = JudgedRun(rule, script, trajectory, arithmetics, only, _backend(wide), watch)
    _judge([run], arithmetics)
    return run.judgement


def judge_all(
    rule: Rule,
    scripts: Sequence[tuple[Script, Trajectory]],
    arithmetics: Mapping[str, Arithmetic],
    *,
    only: str | None = None,
    wide: str | None = None,
    fields: bool = False,
) -> list[Judgement]:
    """Return the judgement of each of ``scripts`` with its trajectory, as ``judge`` does, in less time.

    Their elements are evaluated together, but independently of each other. With ``fields`` each judgement
    holds the ratio and radius of every real.
    """
    backend = _backend(wide)
    runs = [
        JudgedRun(rule, script, trajectory, arithmetics, only, backend, (), fields) for script, trajectory in scripts
    ]
    _judge(runs, arithmetics)
    return [run.judgement for run in runs]


def _judge(runs: Sequence[JudgedRun], arithmetics: Mapping[str, Arithmetic]) -> None:
    """Write into each run's judgement what the oracle finds."""
    for run in runs:
        check_counts_and_initials(run)
    dtypes = dict.fromkeys(run.script.tensors[index].dtype for run in runs for index in run.judged)
    for dtype in dtypes:
        Comparison(runs, dtype, arithmetics[dtype]).judge()
