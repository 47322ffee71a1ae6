"""Names that optimizers give to hyper-parameters, states, counters and other arguments: tables, without torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping

HYPER_ALIASES: Mapping[str, tuple[str, ...]] = {
    "lr": ("lr", "learning_rate", "eta", "step_size", "stepsize", "lrate", "rate", "alpha"),
    "beta": ("beta", "momentum", "mu", "beta1", "betas[0]", "gamma", "rho", "decay"),
    "beta1": ("betas[0]", "beta1", "b1", "beta_1", "beta", "mu", "momentum"),
    "beta2": ("betas[1]", "beta2", "b2", "beta_2", "nu"),
    "beta3": ("betas[2]", "beta3", "b3", "beta_3"),
    "nu": ("nu",),
    "nu1": ("nus[0]", "nu1", "nu_1"),
    "nu2": ("nus[1]", "nu2", "nu_2"),
    "eps": ("eps", "epsilon", "e", "delta"),
    "weight_decay": ("weight_decay", "wd", "l2", "lambda_", "lam", "decay"),
    "momentum": ("momentum", "mom", "mu", "beta", "gamma", "rho", "beta1"),
    "dampening": ("dampening", "tau"),
    "momentum_decay": ("momentum_decay", "schedule_decay", "psi"),
    "rho": ("rho", "decay", "beta", "gamma", "alpha", "decay_rate", "smoothing"),
    "eps_root": ("eps_root",),
    "lr_decay": ("lr_decay",),
    "initial_accumulator": ("initial_accumulator_value", "initial_accumulator", "initial_value"),
    "eta_minus": ("etas[0]", "eta_minus", "etaminus", "eta_n", "decrease", "shrink"),
    "eta_plus": ("etas[1]", "eta_plus", "etaplus", "eta_p", "increase", "grow"),
    "step_min": ("step_sizes[0]", "step_min", "min_step", "min_step_size", "step_size_min", "delta_min"),
    "step_max": ("step_sizes[1]", "step_max", "max_step", "max_step_size", "step_size_max", "delta_max"),
    "l1": ("l1", "lambda_1", "lambda1", "l1_regularization_strength"),
    "l2": ("l2", "lambda_2", "lambda2"),
    "lambd": ("lambd", "lambda_", "lam"),
    "alpha": ("alpha", "power"),
    "t0": ("t0",),
}
"""Alphabet name to what its argument may be called, the most specific name first; others have their own name only."""

SOLE_AVERAGE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "beta2": (*HYPER_ALIASES["beta2"], "alpha", "rho", "gamma", "decay", "decay_rate", "smoothing", "beta"),
}
"""More names that it may have in a rule without beta1, which has no second average that they could mean."""

STATE_ALIASES: Mapping[str, tuple[str, ...]] = {
    "m": ("exp_avg", "m", "grad_avg", "first_moment", "mu", "moment1", "mom1", "momentum", "mt"),
    "v": (
        "exp_avg_sq",
        "v",
        "second_moment",
        "nu",
        "moment2",
        "mom2",
        "square_avg",
        "sqr_avg",
        "s",
        "r",
        "cache",
        "vt",
        "sq",
    ),
    "v_max": ("max_exp_avg_sq", "v_max", "vmax", "max_v", "v_hat_max", "nu_max", "v_hat"),
    "v_hat_max": ("max_exp_avg_sq", "v_hat_max", "v_max", "vmax", "nu_max"),
    "b": ("momentum_buffer", "b", "buf", "buffer", "velocity", "vel", "v", "momentum", "momenta", "momentum_buf", "m"),
    "velocity": ("velocity", "vel", "v", "momentum_buffer", "buf", "momentum"),
    "M": ("M", "exp_avg_slow", "exp_avg", "m", "momentum_buffer", "buf", "velocity", "v", "momentum"),
    "linear": ("z", "linear"),
    "D": ("exp_avg_diff", "D", "diff_avg", "avg_diff", "exp_avg_grad_diff"),
    "s": ("exp_avg_var", "s", "exp_avg_variance", "belief", "var"),
    "h": ("sum", "h", "sum_of_squares", "accumulator", "G", "s", "r", "cache", "sum_sq", "state_sum", "v"),
    "a": ("grad_avg", "a", "average_grad", "mean_grad", "mg", "m"),
    "x": ("acc_delta", "x", "delta", "accumulated_update", "delta_accumulator", "u", "d"),
    "u": ("exp_inf", "u", "inf_norm", "infinity_norm", "v"),
    "g_prev": ("prev", "g_prev", "prev_grad", "grad_prev", "previous_grad", "last_grad", "old_grad"),
    "step_size": ("step_size", "s", "step_sizes", "delta", "deltas"),
    "ax": ("ax", "average", "mean", "averaged"),
    "mu_product": ("mu_product", "mu_prod", "m_schedule", "momentum_product"),
}
"""Alphabet name to the keys its state may have; a state that is not listed has its own name only."""

COUNT_ALIASES = (
    "step",
    "steps",
    "t",
    "step_count",
    "n_steps",
    "_step_count",
    "_step",
    "_t",
    "iteration",
    "iterations",
    "iter",
    "it",
    "timestep",
    "step_num",
    "num_steps",
)
"""What a step counter may be called, in a parameter's state, in its group or as an argument."""

NEUTRAL_HYPER: Mapping[str, float] = dict.fromkeys(
    ("dampening", "weight_decay", "lr_decay", "initial_accumulator", "eps_root"), 0.0
)
"""The value of a hyper-parameter of the rule in a subject that has no such argument."""

NEUTRAL_ARGUMENTS: Mapping[str, float] = {**NEUTRAL_HYPER, "momentum": 0.0}
"""The value that an argument is fixed at where the rule has no such hyper-parameter."""

GRADIENT_ARGUMENTS = (
    *("g", "grad", "grads", "gradient", "gradients", "dw", "dp", "dx", "d_p", "dtheta", "d_theta", "dparams"),
)
"""Names of an argument that takes the gradient, or a list of them."""
STATE_CONTAINERS = ("state", "states", "optimizer_state", "opt_state")
"""Names of an argument that takes all states at once."""
HYPER_DICTIONARIES = (
    "hyperparams",
    "hyperparameters",
    "hyper_params",
    "hyper",
    "hp",
    "hps",
    "hparams",
    *("config", "configs", "cfg", "conf", "opt_config", "optim_config", "options", "opts", "settings"),
)
"""Names of an argument that takes a dictionary of hyper-parameters, and often of more."""
TENSOR_LISTS = ("params", "parameters", "tensors", "model_params", "params_list", "param_list", "weights")
"""Names of a first argument that takes a list of tensors."""
SINGLE_TENSORS = ("param", "parameter", "tensor", "theta", "p", "w", "x", "weight")
"""Names of a first argument that takes one tensor."""


MODELS = ("model", "module", "net", "network", "nn_module")
"""Names of a first argument that takes a model."""
NAMED_PARAMETERS = ("named_parameters", "named_params", "named_parameter_list")
"""Names of a first argument that takes pairs of a name and a parameter."""

OPTION_ALIASES: Mapping[str, tuple[str, ...]] = {
    "maximize": ("maximize", "maximise"),
    "amsgrad": ("amsgrad", "ams_grad", "use_amsgrad"),
    "nesterov": ("nesterov", "use_nesterov"),
    "centered": ("centered", "centred"),
    "decoupled": (
        *(
            "decoupled_weight_decay",
            "decoupled",
            "decoupled_decay",
            "decoupled_wd",
            "decouple",
            "decouple_weight_decay",
        ),
        *("decouple_decay", "decouple_wd", "weight_decouple", "use_decoupled_weight_decay"),
    ),
    "bias_correction": ("bias_correction", "correct_bias", "use_bias_correction"),
    "no_bias_correction": ("no_bias_correction",),
    "eps_inside": ("eps_inside", "eps_inside_sqrt", "eps_in_sqrt"),
    "lr_inside": ("lr_inside",),
}
"""What a boolean argument that selects another published rule may be called."""


def aliases_of(name: str, hyper: Collection[str]) -> tuple[str, ...]:
    """Return what ``name`` may be called in a rule with those ``hyper``-parameters."""
    if name in SOLE_AVERAGE_ALIASES and "beta1" not in hyper:
        return SOLE_AVERAGE_ALIASES[name]
    return HYPER_ALIASES.get(name, (name,))
