"""Every rule against arithmetic written out by hand, to forty digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import mpmath
import pytest
from mpmath import mpf

from exam.combinations import CHAINS
from exam.walks import DIGITS, GRADIENTS, HYPER, PRECISION, START, Values, Walk, digits_of, shown, walked
from planted.by_hand import by_hand as planted_by_hand
from stepcheck_reference.alphabet import lambd, weight_decay
from stepcheck_reference.rewrites.maximize import MAXIMIZE
from stepcheck_reference.rules import ALL, find


@pytest.fixture(autouse=True)
def sixty_digits() -> Iterator[None]:
    with mpmath.workdps(PRECISION):
        yield


def gradients() -> Iterator[tuple[int, Any]]:
    return ((count, mpf(gradient)) for count, gradient in enumerate(GRADIENTS, 1))


def aged(weight: Any, values: Sequence[Any]) -> Any:
    """Return the sum of ``values``, the newest with weight 1 and each older one with ``weight`` as much."""
    return sum((weight**age * value for age, value in enumerate(reversed(values))), mpf(0))


def signed(value: Any) -> int:
    return (value > 0) - (value < 0)


def sgd(h: Values) -> Walk:
    x = mpf(START)
    for _, d in gradients():
        x = x - h["lr"] * d
        yield {"theta": x}


def sign_sgd(h: Values) -> Walk:
    signs = 0
    for _, d in gradients():
        signs += 1 if d > 0 else -1 if d < 0 else 0
        yield {"theta": mpf(START) - h["lr"] * signs}


def momentum(h: Values) -> Walk:
    x, buffer = mpf(START), None
    for _, d in gradients():
        buffer = d if buffer is None else h["momentum"] * buffer + (1 - h["dampening"]) * d
        x = x - h["lr"] * buffer
        yield {"theta": x, "b": buffer}


def momentum_lr_inside(h: Values) -> Walk:
    x, fall = mpf(START), mpf(0)
    for _, d in gradients():
        fall = h["momentum"] * fall - h["lr"] * d
        x = x + fall
        yield {"theta": x, "velocity": -fall}


def averaged(looks_ahead: bool) -> Callable[[Values], Walk]:
    def walk(h: Values) -> Walk:
        x, seen = mpf(START), []
        for _, d in gradients():
            seen.append(d)
            average = (1 - h["beta"]) * aged(h["beta"], seen)
            x = x - h["lr"] * (h["beta"] * average + (1 - h["beta"]) * d if looks_ahead else average)
            yield {"theta": x, "M": average}

    return walk


def nesterov(h: Values) -> Walk:
    x, seen = mpf(START), []
    for _, d in gradients():
        seen.append(d)
        total = aged(h["momentum"], seen)
        x = x - h["lr"] * (d + h["momentum"] * total)
        yield {"theta": x, "b": total}


def nesterov_lookahead(h: Values) -> Walk:
    """The gradient at y of curvature/2 * (y - low)**2, whose low is in the place of a gradient."""
    x, slopes = mpf(START), []
    for _, low in gradients():
        ahead = x - h["lr"] * sum(h["momentum"] ** (age + 1) * slope for age, slope in enumerate(reversed(slopes)))
        slopes.append(h["curvature"] * ahead - h["curvature"] * low)
        x = x - h["lr"] * aged(h["momentum"], slopes)
        yield {"theta": x, "b": aged(h["momentum"], slopes)}


def nesterov_gradient_difference(h: Values) -> Walk:
    x, seen = mpf(START), []
    for _, d in gradients():
        seen.append(d)
        buffer = d + h["beta"] * aged(h["beta"], seen)
        x = x - h["lr"] * buffer
        yield {"theta": x, "M": buffer, "g_prev": d}


def lion(h: Values) -> Walk:
    x, seen = mpf(START), []
    for _, d in gradients():
        before = (1 - h["beta2"]) * aged(h["beta2"], seen)
        seen.append(d)
        x = (1 - h["lr"] * h["weight_decay"]) * x - h["lr"] * signed(h["beta1"] * (before - d) + d)
        yield {"theta": x, "m": (1 - h["beta2"]) * aged(h["beta2"], seen)}


def adagrad(
    divisor: Callable[[Values, Any], Any], *, start: str = "", decayed: bool = False, falls: bool = False
) -> Callable[[Values], Walk]:
    def walk(h: Values) -> Walk:
        x, squares = mpf(START), [h[start] if start else mpf(0)]
        for count, d in gradients():
            seen = d + h["weight_decay"] * x if decayed else d
            squares.append(seen * seen)
            rate = h["lr"] / (1 + h["lr_decay"] * (count - 1)) if falls else h["lr"]
            below = divisor(h, sum(squares))
            x = x - (rate * seen / below if below else 0)
            yield {"theta": x, "h": sum(squares)}

    return walk


def root_and_eps(h: Values, total: Any) -> Any:
    return mpmath.sqrt(total) + h["eps"]


def eps_in_root(h: Values, total: Any) -> Any:
    return mpmath.sqrt(total + h["eps"])


def rmsprop(
    divisor: Callable[[Values, Any], Any],
    *,
    centered: bool = False,
    start: str = "",
    buffer: str = "",
    lr_inside: bool = False,
) -> Callable[[Values], Walk]:
    """Return a walk over sums; ``buffer`` names the momentum buffer, which holds the rate too with ``lr_inside``."""

    def walk(h: Values) -> Walk:
        keep = h["beta2"]
        first = h[start] if start in h else mpf(start or 0)
        x, seen, steps = mpf(START), [], []
        for count, d in gradients():
            seen.append(d)
            squares = keep**count * first + (1 - keep) * aged(keep, [past * past for past in seen])
            mean = (1 - keep) * aged(keep, seen)
            steps.append(d / divisor(h, squares - mean * mean if centered else squares))
            update = aged(h["momentum"], steps) if buffer else steps[-1]
            x = x - h["lr"] * update
            values = {"theta": x, "v": squares} | ({"a": mean} if centered else {})
            yield values | ({buffer: h["lr"] * update if lr_inside else update} if buffer else {})

    return walk


def adadelta(h: Values) -> Walk:
    keep = h["rho"]
    x, seen, updates = mpf(START), [], []
    for _, d in gradients():
        seen.append(d)
        squares = (1 - keep) * aged(keep, [past**2 for past in seen])
        before = (1 - keep) * keep**0 * aged(keep, [update**2 for update in updates])
        updates.append(d * mpmath.sqrt((before + h["eps"]) / (squares + h["eps"])))
        x = x - h["lr"] * updates[-1]
        yield {"theta": x, "v": squares, "x": (1 - keep) * aged(keep, [update**2 for update in updates])}


def adamax(inside: bool) -> Callable[[Values], Walk]:
    """The norm is the largest of all gradients so far, each weighed by its age."""

    def walk(h: Values) -> Walk:
        x, seen = mpf(START), []
        for count, d in gradients():
            seen.append(d)
            first, _ = moments(h, seen)
            weight, _ = corrected(h, count)
            eps = h["eps"] if inside else 0
            largest = max(h["beta2"] ** age * (abs(past) + eps) for age, past in enumerate(reversed(seen)))
            x = x - h["lr"] * (first / weight) / (largest if inside else largest + h["eps"])
            yield {"theta": x, "m": first, "u": largest}

    return walk


def nadam(*, decayed: str = "") -> Callable[[Values], Walk]:
    """Dozat's bracket over one divisor, the product of the schedule taken afresh at each step."""

    def scheduled(h: Values, count: int) -> Any:
        return h["beta1"] - h["beta1"] * mpf(0.96) ** (count * h["momentum_decay"]) / 2

    def walk(h: Values) -> Walk:
        x, seen = mpf(START), []
        for count, d in gradients():
            seen.append(d + h["weight_decay"] * x if decayed == "coupled" else d)
            first, second = moments(h, seen)
            _, weight = corrected(h, count)
            product = mpmath.fprod(scheduled(h, step) for step in range(1, count + 1))
            after = product * scheduled(h, count + 1)
            bracket = (1 - scheduled(h, count)) / (1 - product) * seen[-1]
            bracket += scheduled(h, count + 1) / (1 - after) * first
            shrunk = h["lr"] * h["weight_decay"] * x if decayed == "decoupled" else 0
            x = x - shrunk - h["lr"] * bracket / (mpmath.sqrt(second / weight) + h["eps"])
            yield {"theta": x, "m": first, "v": second, "mu_product": product}

    return walk


def nadam_fixed(ahead: int) -> Callable[[Values], Walk]:
    """``ahead`` is how many steps further than the gradient's the moment's correction is."""

    def walk(h: Values) -> Walk:
        x, seen = mpf(START), []
        for count, d in gradients():
            seen.append(d)
            first, second = moments(h, seen)
            now, weight = corrected(h, count)
            later, _ = corrected(h, count + ahead)
            step = h["beta1"] * first / later + (1 - h["beta1"]) * d / now
            x = x - h["lr"] * step / (mpmath.sqrt(second / weight) + h["eps"])
            yield {"theta": x, "m": first, "v": second}

    return walk


def radam(
    switched: Callable[[Any], bool], *, eps_at: str = "raw", rests: bool = False, decayed: bool = False
) -> Callable[[Values], Walk]:
    """``eps_at`` is the root that eps is added to: of the raw or of the corrected moment."""

    def walk(h: Values) -> Walk:
        x, seen = mpf(START), []
        last = (1 + h["beta2"]) / (1 - h["beta2"])
        for count, d in gradients():
            seen.append(d + h["weight_decay"] * x if decayed else d)
            first, second = moments(h, seen)
            weight1, weight2 = corrected(h, count)
            length = last - 2 * count * h["beta2"] ** count / weight2
            step = first / weight1
            if switched(length):
                ratio = (length - 4) / (last - 4) * ((length - 2) / (last - 2)) * (last / length)
                raw = (mpmath.sqrt(second) + h["eps"]) / mpmath.sqrt(weight2)
                step *= mpmath.sqrt(ratio) / (raw if eps_at == "raw" else mpmath.sqrt(second / weight2) + h["eps"])
            if rests:
                step = step + h["weight_decay"] * x if switched(length) else 0
            x = x - h["lr"] * step
            yield {"theta": x, "m": first, "v": second}

    return walk


def asgd(h: Values) -> Walk:
    """Rates and weights by the number of the step, and means over the parameters that they weigh."""

    def rate(count: int) -> Any:
        return h["lr"] / (1 + h["lambd"] * h["lr"] * count) ** h["alpha"]

    thetas: list[Any] = [mpf(START)]
    begin = int(h["t0"]) + 2
    for count, d in gradients():
        thetas.append(thetas[-1] - rate(count - 1) * (d + h["lambd"] * thetas[-1]))
        mean = thetas[-1] if count < begin else sum(thetas[begin:]) / (count - begin + 1)
        weight = mpf(1) / max(1, count + 2 - begin)
        yield {"theta": thetas[-1], "ax": mean, "eta": rate(count), "mu": weight}


def rprop(h: Values) -> Walk:
    x, size, last = mpf(START), h["lr"], mpf(0)
    for _, d in gradients():
        same = signed(d) * signed(last)
        size = {1: size * h["eta_plus"], -1: size * h["eta_minus"], 0: size}[same]
        size = h["step_max"] if size > h["step_max"] else h["step_min"] if size < h["step_min"] else size
        last = mpf(0) if same < 0 else d
        x = x - size * signed(last)
        yield {"theta": x, "g_prev": last, "step_size": size}


def rprop_optax(h: Values) -> Walk:
    x, size, due = mpf(START), h["lr"], mpf(0)
    for _, d in gradients():
        same = signed(d) * signed(due)
        x = x if same < 0 else x - due
        if same:
            size = size * (h["eta_plus"] if same > 0 else h["eta_minus"])
            size = min(max(size, h["step_min"]), h["step_max"])
        due = mpf(0) if same < 0 else size * signed(d)
        yield {"theta": x, "pending": due, "step_size": size}


def moments(h: Values, seen: list[Any]) -> tuple[Any, Any]:
    """Return both raw moments as weighted sums over all gradients seen, not as recurrences."""
    first = (1 - h["beta1"]) * aged(h["beta1"], seen)
    second = (1 - h["beta2"]) * aged(h["beta2"], [past * past for past in seen])
    return first, second


def corrected(h: Values, count: int) -> tuple[Any, Any]:
    """Return the sums of the weights, 1 - beta**t, added up term by term."""
    weights = [(1 - h[name]) * sum(h[name] ** age for age in range(count)) for name in ("beta1", "beta2")]
    return weights[0], weights[1]


def adam_like(
    divisor: Callable[[Values, Any, Any], Any],
    *,
    largest: str = "",
    seen_gradient: Callable[[Values, Any, Any], Any] = lambda h, x, d: d,
    shrunk: Callable[[Values, Any], Any] = lambda h, x: x,
    correct_first: bool = True,
) -> Callable[[Values], Walk]:
    """Return a walk that divides the first moment by ``divisor(h, moment, sum of weights)``."""

    def walk(h: Values) -> Walk:
        x, top = mpf(START), mpf(0)
        seen: list[Any] = []
        for count, d in gradients():
            seen.append(seen_gradient(h, x, d))
            first, second = moments(h, seen)
            weight1, weight2 = corrected(h, count)
            top = max(top, second / weight2 if largest == "corrected" else second)
            below = divisor(h, top if largest else second, weight2)
            x = shrunk(h, x) - h["lr"] * first / (weight1 if correct_first else 1) / below
            yield {"theta": x, "m": first, "v": second} | ({"v_max": top} if largest else {})

    return walk


def outside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight) + h["eps"]


def hat(h: Values, second: Any, weight: Any) -> Any:
    return (mpmath.sqrt(second) + h["eps"]) / mpmath.sqrt(weight)


def inside(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second / weight + h["eps"])


def raw(h: Values, second: Any, weight: Any) -> Any:
    return mpmath.sqrt(second) + h["eps"]


BY_HAND: dict[str, Callable[[Values], Walk]] = {
    "sgd": sgd,
    "sign_sgd": sign_sgd,
    "momentum": momentum,
    "momentum_lr_inside": momentum_lr_inside,
    "momentum_ema": averaged(looks_ahead=False),
    "nesterov": nesterov,
    "nesterov_lookahead": nesterov_lookahead,
    "nesterov_gradient_difference": nesterov_gradient_difference,
    "nesterov_ema": averaged(looks_ahead=True),
    "lion": lion,
    "adagrad": adagrad(root_and_eps),
    "adagrad_eps_inside": adagrad(eps_in_root),
    "adagrad_optax": adagrad(lambda h, total: eps_in_root(h, total) if total > 0 else 0),
    "adagrad+initial_accumulator": adagrad(root_and_eps, start="initial_accumulator"),
    "adagrad+lr_decay": adagrad(root_and_eps, falls=True),
    "adagrad+initial_accumulator+lr_decay+coupled_decay": adagrad(
        root_and_eps, start="initial_accumulator", decayed=True, falls=True
    ),
    "rmsprop": rmsprop(root_and_eps),
    "rmsprop_eps_inside": rmsprop(eps_in_root),
    "rmsprop_centered": rmsprop(root_and_eps, centered=True),
    "rmsprop_centered_eps_inside": rmsprop(eps_in_root, centered=True),
    "rmsprop_momentum": rmsprop(root_and_eps, buffer="b"),
    "rmsprop_centered_momentum": rmsprop(root_and_eps, centered=True, buffer="b"),
    "rmsprop_tf": rmsprop(eps_in_root, start="1", buffer="velocity", lr_inside=True),
    "rmsprop_eps_inside+initial_accumulator": rmsprop(eps_in_root, start="initial_accumulator"),
    "rmsprop_momentum+lr_inside": rmsprop(root_and_eps, buffer="b", lr_inside=True),
    "rmsprop_centered_momentum+eps_inside+lr_inside": rmsprop(eps_in_root, centered=True, buffer="b", lr_inside=True),
    "adadelta": adadelta,
    "adam": adam_like(outside),
    "adam_eps_hat": adam_like(hat),
    "adam_eps_inside": adam_like(inside),
    "amsgrad": adam_like(outside, largest="raw"),
    "amsgrad_paper": adam_like(raw, largest="raw", correct_first=False),
    "amsgrad_corrected_max": adam_like(raw, largest="corrected"),
    "amsgrad_eps_hat": adam_like(hat, largest="raw"),
    "adamw": adam_like(outside, shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x),
    "adam_l2": adam_like(outside, seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam_l2+maximize": adam_like(outside, seen_gradient=lambda h, x, d: h["weight_decay"] * x - d),
    "adamw+maximize": adam_like(
        outside,
        seen_gradient=lambda h, x, d: -d,
        shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x,
    ),
    "amsgrad+coupled_decay": adam_like(outside, largest="raw", seen_gradient=lambda h, x, d: d + h["weight_decay"] * x),
    "adam+decoupled_decay_paper": adam_like(outside, shrunk=lambda h, x: x - h["weight_decay"] * x),
    "adam+eps_root": adam_like(lambda h, second, weight: mpmath.sqrt(second / weight + h["eps_root"]) + h["eps"]),
    "adam+no_bias_correction": adam_like(raw, correct_first=False),
    "adam+no_first_correction": adam_like(outside, correct_first=False),
    "adam+no_first_correction+eps_inside+decoupled_decay": adam_like(
        inside, correct_first=False, shrunk=lambda h, x: x - h["lr"] * h["weight_decay"] * x
    ),
    "adamax": adamax(inside=True),
    "adamax_keras": adamax(inside=False),
    "nadam": nadam(),
    "nadam+coupled_decay": nadam(decayed="coupled"),
    "nadam+decoupled_decay": nadam(decayed="decoupled"),
    "nadam_fixed_beta": nadam_fixed(ahead=1),
    "nadam_ruder": nadam_fixed(ahead=0),
    "radam": radam(lambda length: length > 5),
    "radam_paper": radam(lambda length: length > 4),
    "radam_optax": radam(lambda length: length >= 5, eps_at="corrected"),
    "radam_resting": radam(lambda length: length >= 5, rests=True),
    "radam+coupled_decay": radam(lambda length: length > 5, decayed=True),
    "asgd": asgd,
    "rprop": rprop,
    "rprop_optax": rprop_optax,
}

for _rule, _function in planted_by_hand().items():
    BY_HAND[_rule] = lambda h, _function=_function: _function(h, mpf(START), [mpf(one) for one in GRADIENTS])


INDISTINGUISHABLE = {"adagrad_eps_inside", "adagrad_optax"}
"""Rules that differ only where the sum of squares and eps are both 0."""


def by_hand(name: str) -> Walk:
    return BY_HAND[name]({hyper: mpf(value) for hyper, value in HYPER.items()})


@pytest.mark.parametrize("name", BY_HAND)
def test_a_rule_agrees_with_arithmetic_written_by_hand(name: str) -> None:
    assert shown(walked(find(name))) == shown(by_hand(name))


@pytest.mark.parametrize("name", [rule.name for rule in ALL])
def test_every_rule_has_arithmetic_written_by_hand(name: str) -> None:
    assert name in BY_HAND, (
        f"rule {name!r} has no arithmetic written by hand: write a function {name}(h, x, gradients) beside its "
        "planted class in tests/planted/rules/, as tests/planted/by_hand.py says"
    )


def test_no_two_rules_agree_with_the_same_arithmetic() -> None:
    rules = {name: shown(walked(find(name))) for name in BY_HAND}
    by_hand_values = {name: shown(by_hand(name)) for name in BY_HAND}
    for first, rule in rules.items():
        equivalent = {first} | (INDISTINGUISHABLE if first in INDISTINGUISHABLE else set())
        assert {second for second, values in by_hand_values.items() if rule == values} == equivalent


def test_the_walk_takes_every_branch() -> None:
    """The walk covers RAdam's switch, ASGD's t0, a change of sign, and a maximum that is not the newest value."""
    lengths = [9 - 2 * count * mpf("0.8") ** count / (1 - mpf("0.8") ** count) for count in range(1, 10)]
    assert [sum(length > bound for length in lengths) for bound in (5, 4)] == [3, 5]
    assert int(HYPER["t0"]) + 2 < len(GRADIENTS)
    assert any(values["v_max"] > values["v"] for values in walked(find("amsgrad")))
    assert digits_of("nadam_fixed_beta") != digits_of("nadam_ruder")


@pytest.mark.parametrize("family", [rule.name for rule in ALL])
def test_every_chain_of_rewrites_moves_and_stays_finite(family: str) -> None:
    for rule in (find(name) for name in CHAINS if name.partition("+")[0] == family):
        steps = list(walked(rule))
        assert len(steps) == len(GRADIENTS)
        for values in steps:
            assert set(values) == {"theta"} | {state.name for state in (*rule.states, *rule.scalars)}
            assert all(mpmath.isfinite(value) for value in values.values()), rule.name
        assert steps[-1]["theta"] != mpf(START)


def test_torch_momentum_starts_with_the_undampened_gradient_and_the_average_does_not() -> None:
    assert next(walked(find("momentum")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("nesterov")))["b"] == mpf(GRADIENTS[0])
    assert next(walked(find("momentum_ema")))["M"] == (1 - mpf(HYPER["beta"])) * mpf(GRADIENTS[0])


def test_maximize_mirrors_a_rule_without_decay() -> None:
    start = mpf(START)
    mirrored = [rule for rule in ALL if MAXIMIZE.applies(rule) and not {weight_decay, lambd} & set(rule.hyper)]
    assert len(mirrored) > 30
    for rule in mirrored:
        down = [values["theta"] - start for values in walked(rule)]
        up = [values["theta"] - start for values in walked(find(f"{rule.name}+maximize"))]
        assert [mpmath.nstr(-move, DIGITS) for move in down] == [mpmath.nstr(move, DIGITS) for move in up]
