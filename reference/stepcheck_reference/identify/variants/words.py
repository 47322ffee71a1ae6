"""Words: what each choice of a variant is called in a name, and what it says in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

BUFFER: Mapping[str, tuple[str, str]] = {
    "gradient": ("no_buffer", "the step goes along the gradient itself, not along a buffer of gradients"),
    "sum": ("sum_buffer", "the buffer is a decaying sum of gradients, momentum*b + g"),
    "damped": ("damped_buffer", "a gradient enters the buffer times 1 − dampening, the first one whole"),
    "damped_always": (
        "damped_from_the_first",
        "every gradient enters the buffer times 1 − dampening, the first one too",
    ),
    "average": ("average_buffer", "the first moment is an average, beta1*m + (1 − beta1)*g"),
    "average_first": ("first_gradient_whole", "the first gradient enters the average whole: m = g at t = 1"),
    "rate_inside": ("lr_inside", "the buffer holds gradients times the learning rate of their step"),
    "average_rate_inside": ("average_with_lr_inside", "the buffer is an average of gradients times the learning rate"),
    "two_betas": ("two_averages", "the direction and the state take different weights, as in Lion"),
}

FIRST: Mapping[str, tuple[str, str]] = {
    "none": ("no_first_correction", "the first moment is never corrected"),
    "t": ("first_correction", "the first moment is corrected by 1 − beta1^t"),
    "t_minus_1": (
        "first_correction_t_minus_1",
        "the first moment is corrected with t − 1 for t: it divides by zero at t = 1",
    ),
    "t_plus_1": ("first_correction_t_plus_1", "the first moment is corrected with t + 1 for t"),
}

SECOND: Mapping[str, tuple[str, str]] = {
    "none": ("no_second_correction", "the second moment is never corrected"),
    "t": ("second_correction", "the second moment is corrected by 1 − beta2^t"),
    "t_minus_1": (
        "second_correction_t_minus_1",
        "the second moment is corrected with t − 1 for t: it divides by zero at t = 1",
    ),
    "t_plus_1": ("second_correction_t_plus_1", "the second moment is corrected with t + 1 for t"),
}

AHEAD: Mapping[str, tuple[str, str]] = {
    "none": ("no_look_ahead", "the buffer is used as it is, without looking ahead"),
    "nesterov": ("nesterov", "the step looks ahead: the new buffer once more, and the newest gradient"),
    "next_correction": (
        "nesterov_next_correction",
        "the step looks ahead, the moment corrected for t + 1 and the gradient for t",
    ),
    "gradient_after": (
        "nesterov_raw_gradient",
        "the step looks ahead, and only the moment in it is corrected, not the newest gradient",
    ),
}

MOMENT: Mapping[str, tuple[str, str]] = {
    "none": ("no_divisor", "the step is not divided by anything"),
    "sum": ("sum_of_squares", "squares are summed, not averaged"),
    "average": ("average_of_squares", "squares are averaged, beta2*v + (1 − beta2)*g²"),
    "average_first": ("first_square_whole", "the first square enters the average whole: v = g² at t = 1"),
    "centered": ("centered", "the square of the average gradient is subtracted from the average of squares"),
    "max_raw": ("max_raw", "the divisor takes the largest raw second moment so far"),
    "max_corrected": ("max_corrected", "the divisor takes the largest corrected second moment so far"),
    "infinity": ("infinity_norm", "the divisor is the largest gradient so far, weighed by age"),
    "spread": ("spread", "the divisor averages squared distances to the new first moment, as AdaBelief's"),
    "spread_old": ("spread_of_old_moment", "the divisor averages squared distances to the first moment of before"),
    "yogi": ("yogi_moment", "the second moment moves by a multiple of the squared gradient, as Yogi's"),
}

EPS: Mapping[str, tuple[str, str]] = {
    "none": ("no_eps", "no ε is added to the divisor"),
    "outside": ("eps_outside", "ε is added outside the root: √v̂ + ε"),
    "inside": ("eps_inside", "ε is inside the root: √(v̂ + ε)"),
    "inside_before": (
        "eps_inside_before_correction",
        "ε is inside the root, added before the correction: √((v + ε)/(1 − β₂ᵗ))",
    ),
    "hat": ("eps_hat", "ε is added to the uncorrected root: (√v + ε)/√(1 − β₂ᵗ)"),
    "both": ("eps_both", "ε is added inside the root and outside: √(v̂ + ε) + ε"),
    "eps_root": ("eps_root", "a second ε is inside the root: √(v̂ + ε̄) + ε"),
    "recurrence": ("eps_in_state", "ε is added to the second moment at every step, and stays in it"),
    "recurrence_outside": ("eps_in_state_and_outside", "ε is added to the second moment at every step, and outside"),
    "recurrence_root": ("eps_root_in_state", "a second ε is added to the second moment at every step"),
    "in_square": ("eps_in_square", "ε is added to what is gathered, before the average or maximum"),
    "floor": ("eps_floor", "ε is the least that the divisor may be: max(√v̂, ε)"),
    "floor_inside": ("eps_floor_inside", "ε is the least that is under the root: √max(v̂, ε)"),
    "square": ("eps_squared", "ε² is inside the root: √(v̂ + ε²)"),
}

ROOT: Mapping[str, tuple[str, str]] = {
    "root": ("root", "the root of the second moment is taken"),
    "none": ("no_root", "no root is taken: the step is divided by the second moment itself"),
}

START: Mapping[str, tuple[str, str]] = {
    "zero": ("start_at_zero", "the second moment starts at 0"),
    "start": ("initial_accumulator", "the second moment starts at a number of its own"),
    "one": ("start_at_one", "the second moment starts at 1"),
}

OLD_FIRST: Mapping[bool, tuple[str, str]] = {
    True: ("old_first_moment", "the step uses the first moment of before, and updates it afterwards"),
    False: ("new_first_moment", "the step uses the new first moment"),
}

OLD_SECOND: Mapping[bool, tuple[str, str]] = {
    True: ("old_second_moment", "the step uses the second moment of before, and updates it afterwards"),
    False: ("new_second_moment", "the step uses the new second moment"),
}

SIGN_ONLY: Mapping[bool, tuple[str, str]] = {
    True: ("sign", "only the sign of the direction is used"),
    False: ("no_sign", "the direction itself is used, not its sign"),
}

BEHIND: Mapping[bool, tuple[str, str]] = {
    True: ("buffer_behind", "the buffer gathers gradients after they are divided"),
    False: ("buffer_in_front", "the buffer gathers gradients, and what it holds is divided"),
}

DECAY: Mapping[str, tuple[str, str]] = {
    "none": ("no_decay", "there is no weight decay"),
    "coupled": ("coupled_decay", "weight decay is added to the gradient: it is coupled (L2)"),
    "decoupled": ("decoupled_decay", "parameters shrink by a factor of 1 − lr·weight_decay"),
    "decoupled_paper": ("decoupled_decay_paper", "parameters shrink by 1 − weight_decay, not times lr"),
    "after_step": ("decay_after_step", "parameters shrink by 1 − lr·weight_decay after the step, not before"),
    "after_step_paper": ("decay_after_step_paper", "parameters shrink by 1 − weight_decay after the step"),
    "proximal": ("proximal_decay", "parameters are divided by 1 + lr·weight_decay after the step"),
    "in_ratio": ("decay_in_ratio", "weight decay is added to the numerator, so that it is divided as well"),
    "first_moment": ("decay_in_first_moment", "weight decay enters the first moment, and not the second"),
    "initial_rate": ("decay_of_initial_rate", "weight decay is relative to the initial rate: λ·lr/initial_lr"),
    "constant": ("decay_is_a_number", "weight decay is subtracted as a number, not times the parameters"),
    "added": ("decay_has_wrong_sign", "weight decay has the wrong sign: parameters grow by 1 + lr·weight_decay"),
}

SIGN: Mapping[str, tuple[str, str]] = {
    "descend": ("descend", "the objective falls"),
    "ascend": ("maximize", "the gradient is negated, so the objective rises"),
    "added": ("step_is_added", "the step is added, not subtracted, so the objective rises"),
}

RATE: Mapping[str, tuple[str, str]] = {
    "constant": ("constant_rate", "the learning rate is used as it is"),
    "falls": ("lr_decay", "the learning rate falls as lr/(1 + (t − 1)·lr_decay)"),
    "root": ("lr_over_root_t", "the learning rate falls as lr/√t"),
}
