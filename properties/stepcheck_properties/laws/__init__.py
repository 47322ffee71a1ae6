"""Every law, in the order reports list them."""

from __future__ import annotations

from stepcheck_properties.law import Law
from stepcheck_properties.laws.contracts.argument_checks import INVALID_HYPER_PARAMETERS
from stepcheck_properties.laws.contracts.effective_arguments import EFFECTIVE_HYPER_PARAMETERS
from stepcheck_properties.laws.contracts.execution_paths import COMPLETION, DETERMINISM, MODES_AGREE
from stepcheck_properties.laws.contracts.gradient_handling import GRADIENTS_UNCHANGED, MISSING_GRADIENT
from stepcheck_properties.laws.contracts.independent_tensors import INDEPENDENT_TENSORS, MIXED_DTYPES, TENSOR_ORDER
from stepcheck_properties.laws.contracts.infinite_gradients import INFINITE_GRADIENT
from stepcheck_properties.laws.contracts.learning_rates import STEP_PROPORTIONAL_TO_LR, ZERO_LEARNING_RATE
from stepcheck_properties.laws.contracts.maximize import MAXIMIZE_NEGATES_GRADIENTS
from stepcheck_properties.laws.contracts.nonfinite_gradients import NAN_PROPAGATES, NONFINITE_STAYS_LOCAL
from stepcheck_properties.laws.contracts.parameter_forms import PARAMETER_FORM
from stepcheck_properties.laws.contracts.process_state import PROCESS_STATE
from stepcheck_properties.laws.contracts.tensor_representation import COMPLEX_AS_REAL, MEMORY_LAYOUT
from stepcheck_properties.laws.contracts.zero_gradients import ZERO_GRADIENTS
from stepcheck_properties.laws.convergence.acceleration import NESTEROV_BOUND
from stepcheck_properties.laws.convergence.gradient_descent import GRADIENT_DESCENT_BOUND
from stepcheck_properties.laws.convergence.quadratics import LINEAR_ON_QUADRATIC
from stepcheck_properties.laws.convergence.reddi_box import REDDI_ADAM, REDDI_AMSGRAD
from stepcheck_properties.laws.convergence.reddi_direction import REDDI_DIRECTION
from stepcheck_properties.laws.convergence.regret import ADAGRAD_REGRET
from stepcheck_properties.laws.equivalences.excluded_ends import EXCLUDED_END
from stepcheck_properties.laws.equivalences.first_steps import CONSTANT_GRADIENT, FIRST_STEP
from stepcheck_properties.laws.equivalences.special_cases import SPECIAL_CASE
from stepcheck_properties.laws.invariants.accumulation import ACCUMULATION
from stepcheck_properties.laws.invariants.bounded_steps import BOUNDED_STEP
from stepcheck_properties.laws.invariants.decoupled_decay import DECOUPLED_DECAY
from stepcheck_properties.laws.invariants.decreasing_steps import DECREASING_STEPS
from stepcheck_properties.laws.invariants.gradient_scaling import GRADIENT_SCALING
from stepcheck_properties.laws.invariants.monotone_states import MONOTONE_STATES, NONNEGATIVE_STATES
from stepcheck_properties.laws.invariants.permutation import PERMUTATION_EQUIVARIANCE
from stepcheck_properties.laws.invariants.sign_equivariance import SIGN_EQUIVARIANCE
from stepcheck_properties.laws.invariants.translation import TRANSLATION_INVARIANCE
from stepcheck_properties.laws.lifecycles.added_groups import ADDED_GROUP
from stepcheck_properties.laws.lifecycles.closures import CLOSURE
from stepcheck_properties.laws.lifecycles.default_dtype import DEFAULT_DTYPE
from stepcheck_properties.laws.lifecycles.gradient_buffers import GRADIENT_NOT_ALIASED
from stepcheck_properties.laws.lifecycles.hyper_changes import CHANGED_HYPER_PARAMETERS
from stepcheck_properties.laws.lifecycles.rate_changes import SCHEDULED_LEARNING_RATE, TENSOR_LEARNING_RATE
from stepcheck_properties.laws.lifecycles.resuming import (
    COPY_AND_PICKLE,
    SAVED_OPTIMIZER,
    STATE_DICT,
    STATE_DICT_ACROSS_MODES,
)
from stepcheck_properties.laws.lifecycles.scaled_gradients import SCALED_GRADIENT
from stepcheck_properties.laws.lifecycles.shared_process import OTHER_THREADS, SEVERAL_OPTIMIZERS
from stepcheck_properties.laws.lifecycles.skipped_steps import SKIPPED_STEP
from stepcheck_properties.laws.lifecycles.sparse_gradients import SPARSE_GRADIENT
from stepcheck_properties.laws.lifecycles.state_memory import STATE_MEMORY
from stepcheck_properties.laws.lifecycles.zero_grad import ZERO_GRAD
from stepcheck_properties.laws.oracle.envelopes import (
    INITIAL_STATE,
    PARAMETERS_IN_ENVELOPE,
    STATES_IN_ENVELOPE,
    STEP_COUNT,
)
from stepcheck_reference.suggest import nearest

ALL: tuple[Law, ...] = (
    PARAMETERS_IN_ENVELOPE,
    STATES_IN_ENVELOPE,
    STEP_COUNT,
    INITIAL_STATE,
    COMPLETION,
    MODES_AGREE,
    GRADIENTS_UNCHANGED,
    MISSING_GRADIENT,
    INDEPENDENT_TENSORS,
    TENSOR_ORDER,
    MIXED_DTYPES,
    MEMORY_LAYOUT,
    COMPLEX_AS_REAL,
    MAXIMIZE_NEGATES_GRADIENTS,
    DETERMINISM,
    ZERO_GRADIENTS,
    ZERO_LEARNING_RATE,
    STEP_PROPORTIONAL_TO_LR,
    EFFECTIVE_HYPER_PARAMETERS,
    INVALID_HYPER_PARAMETERS,
    NAN_PROPAGATES,
    NONFINITE_STAYS_LOCAL,
    PROCESS_STATE,
    STATE_DICT,
    COPY_AND_PICKLE,
    STATE_DICT_ACROSS_MODES,
    CLOSURE,
    TENSOR_LEARNING_RATE,
    SCHEDULED_LEARNING_RATE,
    DEFAULT_DTYPE,
    GRADIENT_NOT_ALIASED,
    SPARSE_GRADIENT,
    SKIPPED_STEP,
    STATE_MEMORY,
    ADDED_GROUP,
    SCALED_GRADIENT,
    SAVED_OPTIMIZER,
    SEVERAL_OPTIMIZERS,
    OTHER_THREADS,
    ZERO_GRAD,
    PARAMETER_FORM,
    CHANGED_HYPER_PARAMETERS,
    INFINITE_GRADIENT,
    EXCLUDED_END,
    MONOTONE_STATES,
    NONNEGATIVE_STATES,
    DECREASING_STEPS,
    GRADIENT_SCALING,
    SIGN_EQUIVARIANCE,
    PERMUTATION_EQUIVARIANCE,
    TRANSLATION_INVARIANCE,
    DECOUPLED_DECAY,
    ACCUMULATION,
    BOUNDED_STEP,
    SPECIAL_CASE,
    FIRST_STEP,
    CONSTANT_GRADIENT,
    LINEAR_ON_QUADRATIC,
    REDDI_DIRECTION,
    GRADIENT_DESCENT_BOUND,
    NESTEROV_BOUND,
    REDDI_ADAM,
    REDDI_AMSGRAD,
    ADAGRAD_REGRET,
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
    raise UnknownLaw(code, allowed, nearest(code, allowed))
