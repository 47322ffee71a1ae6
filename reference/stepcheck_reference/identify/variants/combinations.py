"""Space: every sensible combination of choices, generated as a product, and the variants that have a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product

from stepcheck_reference.identify.variants.variant import RATE_INSIDE, Divisor, Numerator, Variant

BUFFERS = (
    "gradient",
    "sum",
    "damped",
    "damped_always",
    "average",
    "average_first",
    "rate_inside",
    "average_rate_inside",
    "two_betas",
)
CORRECTIONS = ("none", "t", "t_minus_1", "t_plus_1")
AHEAD = ("none", "nesterov", "next_correction", "gradient_after")
MOMENTS = (
    "sum",
    "average",
    "average_first",
    "centered",
    "max_raw",
    "max_corrected",
    "infinity",
    "spread",
    "spread_old",
    "yogi",
)
EPS = (
    "none",
    "outside",
    "inside",
    "inside_before",
    "hat",
    "both",
    "eps_root",
    "recurrence",
    "recurrence_outside",
    "recurrence_root",
    "in_square",
    "floor",
    "floor_inside",
    "square",
)
DECAYS = (
    "none",
    "coupled",
    "decoupled",
    "decoupled_paper",
    "after_step",
    "after_step_paper",
    "proximal",
    "in_ratio",
    "first_moment",
    "initial_rate",
    "constant",
    "added",
)
SIGNS = ("descend", "ascend", "added")
RATES = ("constant", "falls", "root")


@cache
def numerators() -> tuple[Numerator, ...]:
    """Return the numerators that make sense: an average alone is corrected, a buffer alone looks ahead."""
    made = []
    for buffer, correction, ahead, sign, old in product(BUFFERS, CORRECTIONS, AHEAD, (False, True), (False, True)):
        if buffer == "gradient" and (correction, ahead, old) != ("none", "none", False):
            continue
        if buffer == "two_betas" and (correction, ahead, old) != ("none", "none", False):
            continue
        if buffer not in ("average", "average_first", "average_rate_inside") and correction != "none":
            continue
        if buffer != "average" and (ahead in ("next_correction", "gradient_after")):
            continue
        if correction == "none" and ahead in ("next_correction", "gradient_after"):
            continue
        if sign and (correction != "none" or buffer in RATE_INSIDE):
            continue
        if old and ahead != "none":
            continue
        made.append(Numerator(buffer, correction, ahead, sign, old))
    return tuple(made)


@cache
def divisors() -> tuple[Divisor, ...]:
    """Return the divisors that make sense; the first is none at all."""
    made = [Divisor()]
    for moment, correction, eps, root, old, start in product(
        MOMENTS, CORRECTIONS, EPS, ("root", "none"), (False, True), ("zero", "start", "one")
    ):
        if moment == "sum" and correction != "none":
            continue
        if moment == "max_corrected" and correction == "none":
            continue
        if moment == "infinity" and (eps not in ("none", "outside", "in_square", "floor") or root == "none"):
            continue
        if correction == "none" and eps in ("inside_before", "hat"):
            continue
        if start != "zero" and (moment not in ("sum", "average", "centered", "max_raw", "yogi") or old):
            continue
        if start != "zero" and root == "none":
            continue
        if old and (moment not in ("sum", "average", "centered", "max_raw") or correction not in ("none", "t")):
            continue
        if root == "none" and (old or eps not in ("none", "outside", "floor") or moment == "max_corrected"):
            continue
        made.append(Divisor(moment, correction, eps, root, old, start))
    return tuple(made)


def fits(numerator: Numerator, divisor: Divisor, behind: bool) -> bool:
    """Return whether the two go together."""
    if divisor.moment == "none":
        return not behind
    if numerator.sign or numerator.buffer == "two_betas":
        return False
    spread = divisor.moment.startswith("spread")
    if behind:
        return numerator.buffer != "gradient" and not spread
    return not spread or numerator.buffer == "average"


NAMED: Mapping[str, Variant] = {
    "sgd": Variant(),
    "sign_sgd": Variant(Numerator(sign=True)),
    "signum": Variant(Numerator("average", sign=True)),
    "momentum": Variant(Numerator("damped")),
    "momentum_lr_inside": Variant(Numerator("rate_inside")),
    "momentum_ema": Variant(Numerator("average")),
    "nesterov": Variant(Numerator("sum", ahead="nesterov")),
    "nesterov_ema": Variant(Numerator("average", ahead="nesterov")),
    "lion": Variant(Numerator("two_betas", sign=True), decay="decoupled"),
    "adagrad": Variant(Numerator(), Divisor("sum", eps="outside")),
    "adagrad_eps_inside": Variant(Numerator(), Divisor("sum", eps="inside")),
    "rmsprop": Variant(Numerator(), Divisor("average", eps="outside")),
    "rmsprop_eps_inside": Variant(Numerator(), Divisor("average", eps="inside")),
    "rmsprop_centered": Variant(Numerator(), Divisor("centered", eps="outside")),
    "rmsprop_centered_eps_inside": Variant(Numerator(), Divisor("centered", eps="inside")),
    "rmsprop_momentum": Variant(Numerator("sum"), Divisor("average", eps="outside"), behind=True),
    "rmsprop_centered_momentum": Variant(Numerator("sum"), Divisor("centered", eps="outside"), behind=True),
    "rmsprop_tf": Variant(Numerator("rate_inside"), Divisor("average", eps="inside", start="one"), behind=True),
    "adam": Variant(Numerator("average", "t"), Divisor("average", "t", "outside")),
    "adam_eps_hat": Variant(Numerator("average", "t"), Divisor("average", "t", "hat")),
    "adam_eps_inside": Variant(Numerator("average", "t"), Divisor("average", "t", "inside")),
    "adamw": Variant(Numerator("average", "t"), Divisor("average", "t", "outside"), decay="decoupled"),
    "adam_l2": Variant(Numerator("average", "t"), Divisor("average", "t", "outside"), decay="coupled"),
    "adabelief": Variant(Numerator("average", "t"), Divisor("spread", "t", "recurrence_outside")),
    "yogi": Variant(Numerator("average"), Divisor("yogi", eps="outside")),
    "amsgrad": Variant(Numerator("average", "t"), Divisor("max_raw", "t", "outside")),
    "amsgrad_paper": Variant(Numerator("average"), Divisor("max_raw", eps="outside")),
    "amsgrad_corrected_max": Variant(Numerator("average", "t"), Divisor("max_corrected", "t", "outside")),
    "amsgrad_eps_hat": Variant(Numerator("average", "t"), Divisor("max_raw", "t", "hat")),
    "adamax": Variant(Numerator("average", "t"), Divisor("infinity", eps="in_square")),
    "adamax_keras": Variant(Numerator("average", "t"), Divisor("infinity", eps="outside")),
    "nadam_fixed_beta": Variant(Numerator("average", "t", "next_correction"), Divisor("average", "t", "outside")),
    "nadam_ruder": Variant(Numerator("average", "t", "nesterov"), Divisor("average", "t", "outside")),
}
"""Rules of the registry that are variants, by name; a test proves each."""


def motions(decays: tuple[str, ...], rates: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield (decay, sign, rate) in the order of preference."""
    yield from product(decays, SIGNS, rates)
