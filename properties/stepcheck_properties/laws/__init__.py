"""Every law, in the order reports list them."""

from __future__ import annotations

from difflib import get_close_matches

from stepcheck_properties.law import Law
from stepcheck_properties.laws.accelerating import ACCELERATING
from stepcheck_properties.laws.bounded_steps import BOUNDED
from stepcheck_properties.laws.closures import CLOSURE
from stepcheck_properties.laws.company import ALONE, MIXED, ORDER
from stepcheck_properties.laws.completion import COMPLETION
from stepcheck_properties.laws.complex_pairs import PAIRS
from stepcheck_properties.laws.converging import CONVERGING
from stepcheck_properties.laws.cycling import GOES_DOWN, GOES_UP
from stepcheck_properties.laws.decoupling import DECOUPLING
from stepcheck_properties.laws.default_dtype import DEFAULT_DTYPE
from stepcheck_properties.laws.descending import DESCENDING
from stepcheck_properties.laws.domains import DOMAINS
from stepcheck_properties.laws.execution_paths import PATHS
from stepcheck_properties.laws.fading_steps import FADING
from stepcheck_properties.laws.first_steps import FIRST, STEADY
from stepcheck_properties.laws.forgetting import FORGETTING
from stepcheck_properties.laws.gathering import GATHERING
from stepcheck_properties.laws.gradient_memory import GRADIENT_MEMORY
from stepcheck_properties.laws.gradients import GRADIENTS
from stepcheck_properties.laws.lasting_states import NONNEGATIVE, RISING
from stepcheck_properties.laws.layouts import LAYOUTS
from stepcheck_properties.laws.liveness import LIVENESS
from stepcheck_properties.laws.maximizing import MAXIMIZING
from stepcheck_properties.laws.mirroring import MIRRORING
from stepcheck_properties.laws.missing_gradients import MISSING
from stepcheck_properties.laws.nonfinite import SHOWS, STAYS
from stepcheck_properties.laws.oracle_agreement import COUNTS, INITIALS, PARAMETERS, STATES
from stepcheck_properties.laws.permuting import PERMUTING
from stepcheck_properties.laws.proportion import NO_RATE, PROPORTION
from stepcheck_properties.laws.rates import SCHEDULER, TENSOR
from stepcheck_properties.laws.reducing import REDUCING
from stepcheck_properties.laws.regretting import REGRETTING
from stepcheck_properties.laws.repetition import REPETITION
from stepcheck_properties.laws.rest import REST
from stepcheck_properties.laws.resuming import ACROSS, CARRIED, RESUMED
from stepcheck_properties.laws.scaling import SCALING
from stepcheck_properties.laws.skipped_steps import SKIPPED
from stepcheck_properties.laws.sparse_gradients import SPARSE
from stepcheck_properties.laws.state_memory import STATE_MEMORY
from stepcheck_properties.laws.translating import TRANSLATING

ALL: tuple[Law, ...] = (
    PARAMETERS,
    STATES,
    COUNTS,
    INITIALS,
    COMPLETION,
    PATHS,
    GRADIENTS,
    MISSING,
    ALONE,
    ORDER,
    MIXED,
    LAYOUTS,
    PAIRS,
    MAXIMIZING,
    REPETITION,
    REST,
    NO_RATE,
    PROPORTION,
    LIVENESS,
    DOMAINS,
    SHOWS,
    STAYS,
    RESUMED,
    CARRIED,
    ACROSS,
    CLOSURE,
    TENSOR,
    SCHEDULER,
    DEFAULT_DTYPE,
    GRADIENT_MEMORY,
    SPARSE,
    SKIPPED,
    STATE_MEMORY,
    RISING,
    NONNEGATIVE,
    FADING,
    SCALING,
    MIRRORING,
    PERMUTING,
    TRANSLATING,
    DECOUPLING,
    GATHERING,
    BOUNDED,
    REDUCING,
    FIRST,
    STEADY,
    CONVERGING,
    FORGETTING,
    DESCENDING,
    ACCELERATING,
    GOES_UP,
    GOES_DOWN,
    REGRETTING,
)


class UnknownLaw(ValueError):
    """A code that no law has; ``given``, ``allowed`` and ``nearest`` are the facts of the message."""

    def __init__(self, given: str, allowed: tuple[str, ...], nearest: str | None) -> None:
        self.given, self.allowed, self.nearest = given, allowed, nearest
        hint = f"; did you mean {nearest}?" if nearest else ""
        super().__init__(f"law={given!r}, but should be one of {', '.join(allowed)}{hint}")


def find(code: str) -> Law:
    """Return the law with ``code``, in upper or lower case; raises UnknownLaw with the nearest code."""
    for law in ALL:
        if law.code == code.upper():
            return law
    allowed = tuple(law.code for law in ALL)
    near = get_close_matches(code.upper(), allowed, n=1)
    raise UnknownLaw(code, allowed, near[0] if near else None)
