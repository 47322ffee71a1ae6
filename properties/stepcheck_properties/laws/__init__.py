"""Every law, in the order reports list them."""

from __future__ import annotations

from difflib import get_close_matches

from stepcheck_properties.law import Law
from stepcheck_properties.laws.contracts.argument_checks import DOMAINS
from stepcheck_properties.laws.contracts.completion import COMPLETION
from stepcheck_properties.laws.contracts.complex_tensors import PAIRS
from stepcheck_properties.laws.contracts.determinism import REPETITION
from stepcheck_properties.laws.contracts.effective_arguments import LIVENESS
from stepcheck_properties.laws.contracts.gradients_intact import GRADIENTS
from stepcheck_properties.laws.contracts.independent_tensors import ALONE, MIXED, ORDER
from stepcheck_properties.laws.contracts.learning_rates import NO_RATE, PROPORTION
from stepcheck_properties.laws.contracts.maximize import MAXIMIZING
from stepcheck_properties.laws.contracts.memory_layouts import LAYOUTS
from stepcheck_properties.laws.contracts.missing_gradients import MISSING
from stepcheck_properties.laws.contracts.modes import PATHS
from stepcheck_properties.laws.contracts.nonfinite_gradients import SHOWS, STAYS
from stepcheck_properties.laws.contracts.zero_gradients import REST
from stepcheck_properties.laws.convergence.acceleration import ACCELERATING
from stepcheck_properties.laws.convergence.forgetting import FORGETTING
from stepcheck_properties.laws.convergence.gradient_descent import DESCENDING
from stepcheck_properties.laws.convergence.quadratics import CONVERGING
from stepcheck_properties.laws.convergence.reddi import GOES_DOWN, GOES_UP
from stepcheck_properties.laws.convergence.regret import REGRETTING
from stepcheck_properties.laws.equivalences.first_steps import FIRST, STEADY
from stepcheck_properties.laws.equivalences.special_cases import REDUCING
from stepcheck_properties.laws.invariants.accumulation import GATHERING
from stepcheck_properties.laws.invariants.bounded_steps import BOUNDED
from stepcheck_properties.laws.invariants.decoupled_decay import DECOUPLING
from stepcheck_properties.laws.invariants.decreasing_steps import FADING
from stepcheck_properties.laws.invariants.gradient_scaling import SCALING
from stepcheck_properties.laws.invariants.monotone_states import NONNEGATIVE, RISING
from stepcheck_properties.laws.invariants.permutation import PERMUTING
from stepcheck_properties.laws.invariants.sign_equivariance import MIRRORING
from stepcheck_properties.laws.invariants.translation import TRANSLATING
from stepcheck_properties.laws.lifecycles.closures import CLOSURE
from stepcheck_properties.laws.lifecycles.default_dtype import DEFAULT_DTYPE
from stepcheck_properties.laws.lifecycles.gradient_buffers import GRADIENT_MEMORY
from stepcheck_properties.laws.lifecycles.rate_changes import SCHEDULER, TENSOR
from stepcheck_properties.laws.lifecycles.resuming import ACROSS, CARRIED, RESUMED
from stepcheck_properties.laws.lifecycles.skipped_steps import SKIPPED
from stepcheck_properties.laws.lifecycles.sparse_gradients import SPARSE
from stepcheck_properties.laws.lifecycles.state_memory import STATE_MEMORY
from stepcheck_properties.laws.oracle.envelopes import COUNTS, INITIALS, PARAMETERS, STATES

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
