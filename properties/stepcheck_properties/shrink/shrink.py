"""``shrink``: from a failure to the same failure with the smallest script that still shows it.

Hypothesis' own shrinker has a time limit and works on its draws, most of which are seeds here. This one is
deterministic: candidates come in a fixed order, each is run on the subject and checked again, and the budget is a
number of runs. A candidate counts only if it breaks the same law in the same output.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck_properties.failure import LawFailure
from stepcheck_properties.harness import Harness
from stepcheck_properties.shrink.number_moves import simplify_data, simplify_hyper
from stepcheck_properties.shrink.search import AvoidTrigger, Search
from stepcheck_properties.shrink.step_moves import cut_steps, drop_events, drop_steps, keep_last_steps
from stepcheck_properties.shrink.tensor_moves import keep_one_element, keep_one_tensor, simplify_memory

HANG_RUNS = 2
"""Runs spent on a hang, each of which lasts until the worker's deadline."""
CRASH_RUNS = 40
"""Runs spent on a crash, each of which costs a process."""


def shrink(
    failure: LawFailure,
    *,
    harness: Harness,
    budget: int,
    fixed_hyper: Mapping[str, float] | None = None,
    avoid_trigger: AvoidTrigger | None = None,
) -> LawFailure:
    """Return ``failure`` with the smallest script found in at most ``budget`` runs of ``harness``' subject.

    Hyper-parameters in ``fixed_hyper`` are left alone. Scripts that ``avoid_trigger`` would change show a known issue,
    and are not tried. Where nothing smaller breaks the law, the script stays as it is.
    """
    if budget <= 0:
        return failure
    if failure.output == "hung":
        budget = min(budget, HANG_RUNS)
    elif failure.output == "crashed":
        budget = min(budget, CRASH_RUNS)
    search = Search(harness, failure, budget, frozenset(fixed_hyper or ()), avoid_trigger)
    # What takes most off the script first: later moves then cost less, for they try one datum or step at a time.
    cut_steps(search)
    keep_one_tensor(search)
    keep_one_element(search)
    simplify_memory(search)
    keep_last_steps(search)
    drop_events(search)
    drop_steps(search)
    before = None
    while before != search.script and search.runs < budget:
        before = search.script
        simplify_data(search)
        simplify_hyper(search)
        if before != search.script:
            cut_steps(search)
            keep_one_element(search)
            keep_last_steps(search)
    return search.result()
