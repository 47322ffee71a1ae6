"""Rules beside Adam's: right ones, and wrong ones made from them by one mistake each."""

from itertools import pairwise

import torch


def _average(beta, values):
    """Return the average of ``values`` that a recurrence with weight ``beta`` has reached, as a sum."""
    return (1 - beta) * sum(beta ** (len(values) - i) * value for i, value in enumerate(values, 1))


class _Moments(torch.optim.Optimizer):
    """An optimizer that keeps ``buffers`` of zeros for each parameter, and moves one parameter at a time."""

    buffers = ("exp_avg", "exp_avg_sq")

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update({"step": 0, **{key: self.start(p, group) for key in self.buffers}})
                state["step"] += 1
                self.move(p, p.grad.to_dense() if p.grad.is_sparse else p.grad, state, group)

    def start(self, p, group):
        return torch.zeros_like(p)


def adabelief(h, x, gradients):
    """Each moment as a sum over all gradients so far."""
    beta1, beta2 = h["beta1"], h["beta2"]
    means = []
    for t in range(1, len(gradients) + 1):
        means.append((1 - beta1) * sum(beta1 ** (t - i) * gradients[i - 1] for i in range(1, t + 1)))
        squares = [(one - mean) * (one - mean) for one, mean in zip(gradients, means, strict=False)]
        spread = sum(beta2 ** (t - i) * ((1 - beta2) * squares[i - 1] + h["eps"]) for i in range(1, t + 1))
        x = x - h["lr"] * means[-1] / (1 - beta1**t) / ((spread / (1 - beta2**t)) ** 0.5 + h["eps"])
        yield {"theta": x, "m": means[-1], "s": spread}


class HandWrittenAdabelief(_Moments):
    """Follows ``adabelief``: the deviation is from the new mean, and eps enters the state at every step."""

    buffers = ("exp_avg", "exp_avg_var")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def deviation(self, g, before, m):
        return g - m

    def added(self, group):
        return group["eps"]

    def move(self, p, g, state, group):
        (beta1, beta2), t, m, s = group["betas"], state["step"], state["exp_avg"], state["exp_avg_var"]
        before = m.clone()
        m.mul_(beta1).add_((1 - beta1) * g)
        deviation = self.deviation(g, before, m)
        s.mul_(beta2).add_((1 - beta2) * deviation * deviation).add_(self.added(group))
        p.sub_(group["lr"] * (m / (1 - beta1**t)) / ((s / (1 - beta2**t)).sqrt() + group["eps"]))


class AdabeliefDeviatesFromOldMean(HandWrittenAdabelief):
    """Claims ``adabelief``, breaks SC101: measures the deviation from the mean before this gradient."""

    def deviation(self, g, before, m):
        return g - before


class AdabeliefEpsOutsideAlone(HandWrittenAdabelief):
    """Claims ``adabelief``, breaks SC101: adds eps to the root alone, and not to the state."""

    def added(self, group):
        return 0.0


def adabelief_optax(h, x, gradients):
    """Each average as a sum over all gradients so far, and what eps_root adds as the sum of a geometric series."""
    beta1, beta2 = h["beta1"], h["beta2"]
    means = []
    for t in range(1, len(gradients) + 1):
        means.append(_average(beta1, gradients[:t]))
        squares = [(one - mean) * (one - mean) for one, mean in zip(gradients, means, strict=False)]
        spread = _average(beta2, squares) + h["eps_root"] * (1 - beta2**t) / (1 - beta2)
        x = x - h["lr"] * means[-1] / (1 - beta1**t) / ((spread / (1 - beta2**t)) ** 0.5 + h["eps"])
        yield {"theta": x, "m": means[-1], "s": spread}


class HandWrittenAdabeliefOptax(HandWrittenAdabelief):
    """Follows ``adabelief_optax``: what enters the state is not what is added to the root."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-16, eps_root=1e-16):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "betas": betas, "eps": eps, "eps_root": eps_root})

    def added(self, group):
        return group["eps_root"]


def yogi(h, x, gradients):
    """The first moment as a sum over all gradients so far; the second moves up, down or not at all."""
    second = 0
    for t in range(1, len(gradients) + 1):
        first = (1 - h["beta1"]) * sum(h["beta1"] ** (t - i) * gradients[i - 1] for i in range(1, t + 1))
        square = gradients[t - 1] * gradients[t - 1]
        moved = (1 - h["beta2"]) * square
        second = second - moved if second > square else second + moved if second < square else second
        x = x - h["lr"] * first / (second**0.5 + h["eps"])
        yield {"theta": x, "m": first, "v": second}


class HandWrittenYogi(_Moments):
    """Follows ``yogi``: no bias correction, and moments that start at 0."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.999), eps=1e-3):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def direction(self, v, square):
        return (v - square).sign()

    def corrected(self, m, v, betas, t):
        return m, v

    def move(self, p, g, state, group):
        (beta1, beta2), m, v, square = group["betas"], state["exp_avg"], state["exp_avg_sq"], g * g
        m.mul_(beta1).add_((1 - beta1) * g)
        v.sub_((1 - beta2) * self.direction(v, square) * square)
        mean, spread = self.corrected(m, v, group["betas"], state["step"])
        p.sub_(group["lr"] * mean / (spread.sqrt() + group["eps"]))


class YogiOnlyGrows(HandWrittenYogi):
    """Claims ``yogi``, breaks SC102: adds to the second moment also where it is larger than the square."""

    def direction(self, v, square):
        return -torch.ones_like(v)


class YogiCorrectsBias(HandWrittenYogi):
    """Claims ``yogi``, breaks SC101: corrects the bias of the first moment, as optax does."""

    def corrected(self, m, v, betas, t):
        return m / (1 - betas[0] ** t), v


def yogi_optax(h, x, gradients):
    """The first moment as what is left of its start and a sum; the second moves up, down or not at all."""
    start, beta1, beta2 = h["initial_accumulator"], h["beta1"], h["beta2"]
    second = start
    for t in range(1, len(gradients) + 1):
        first = beta1**t * start + _average(beta1, gradients[:t])
        square = gradients[t - 1] * gradients[t - 1]
        moved = (1 - beta2) * square
        second = second - moved if second > square else second + moved if second < square else second
        x = x - h["lr"] * first / (1 - beta1**t) / ((second / (1 - beta2**t)) ** 0.5 + h["eps"])
        yield {"theta": x, "m": first, "v": second}


class HandWrittenYogiOptax(HandWrittenYogi):
    """Follows ``yogi_optax``: both moments start from a number of their own, and both are corrected."""

    def __init__(self, params, lr=1e-2, betas=(0.9, 0.999), eps=1e-3, initial_accumulator=1e-6):
        defaults = {"lr": lr, "betas": betas, "eps": eps, "initial_accumulator": initial_accumulator}
        torch.optim.Optimizer.__init__(self, params, defaults)

    def start(self, p, group):
        return torch.full_like(p, group["initial_accumulator"])

    def corrected(self, m, v, betas, t):
        return m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)


def qhadam(h, x, gradients):
    """Both moments as sums over all gradients so far."""
    for t in range(1, len(gradients) + 1):
        g, squares = gradients[t - 1], [one * one for one in gradients[:t]]
        first, second = _average(h["beta1"], gradients[:t]), _average(h["beta2"], squares)
        mean, square = first / (1 - h["beta1"] ** t), second / (1 - h["beta2"] ** t)
        root = (g * g + h["nu2"] * (square - g * g)) ** 0.5
        x = x - h["lr"] * (g + h["nu1"] * (mean - g)) / (root + h["eps"])
        yield {"theta": x, "m": first, "v": second}


class HandWrittenQhadam(_Moments):
    """Follows ``qhadam``: the moments are Adam's, and a step counts the gradient beside each."""

    def __init__(self, params, lr=1e-3, betas=(0.995, 0.999), nus=(0.7, 1.0), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "nus": nus, "eps": eps})

    def mixed(self, nu, moment, fresh):
        return (1 - nu) * fresh + nu * moment

    def move(self, p, g, state, group):
        (beta1, beta2), (nu1, nu2), t = group["betas"], group["nus"], state["step"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m.mul_(beta1).add_((1 - beta1) * g)
        v.mul_(beta2).add_((1 - beta2) * (g * g))
        root = self.mixed(nu2, v / (1 - beta2**t), g * g).sqrt()
        p.sub_(group["lr"] * self.mixed(nu1, m / (1 - beta1**t), g) / (root + group["eps"]))


class QhadamSwapsWeights(HandWrittenQhadam):
    """Claims ``qhadam``, breaks SC101: gives the gradient the weight of the moment."""

    def mixed(self, nu, moment, fresh):
        return nu * fresh + (1 - nu) * moment


def laprop(h, x, gradients):
    """The second moment, and the average of what it divides, each as a sum over all gradients so far."""
    beta1, beta2 = h["beta1"], h["beta2"]
    quotients = []
    for t in range(1, len(gradients) + 1):
        second = _average(beta2, [one * one for one in gradients[:t]])
        quotients.append(gradients[t - 1] / ((second / (1 - beta2**t)) ** 0.5 + h["eps"]))
        first = _average(beta1, quotients)
        x = x - h["lr"] * first / (1 - beta1**t)
        yield {"theta": x, "v": second, "m": first}


class HandWrittenLaprop(_Moments):
    """Follows ``laprop``: a gradient is divided before it is averaged."""

    def __init__(self, params, lr=4e-4, betas=(0.9, 0.999), eps=1e-15):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    def taken(self, group):
        return 1.0, group["lr"]

    def move(self, p, g, state, group):
        (beta1, beta2), t = group["betas"], state["step"]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        inside, outside = self.taken(group)
        v.mul_(beta2).add_((1 - beta2) * (g * g))
        quotient = g / ((v / (1 - beta2**t)).sqrt() + group["eps"])
        m.mul_(beta1).add_((1 - beta1) * inside * quotient)
        p.sub_(outside * (m / (1 - beta1**t)))


class LapropKeepsRateInside(HandWrittenLaprop):
    """Claims ``laprop``, breaks SC102: averages quotients times lr, as the code of its authors does."""

    def taken(self, group):
        return group["lr"], 1.0


def ademamix(h, x, gradients):
    """All three averages as sums over all gradients so far."""
    for t in range(1, len(gradients) + 1):
        seen = gradients[:t]
        fast, slow = _average(h["beta1"], seen), _average(h["beta3"], seen)
        second = _average(h["beta2"], [one * one for one in seen])
        mean = fast / (1 - h["beta1"] ** t) + h["alpha"] * slow
        x = x - h["lr"] * mean / ((second / (1 - h["beta2"] ** t)) ** 0.5 + h["eps"])
        yield {"theta": x, "m": fast, "M": slow, "v": second}


class HandWrittenAdemamix(_Moments):
    """Follows ``ademamix``: the slow average is not corrected."""

    buffers = ("exp_avg", "exp_avg_slow", "exp_avg_sq")

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999, 0.9999), alpha=5.0, eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "alpha": alpha, "eps": eps})

    def used_slow(self, slow, beta3, t):
        return slow

    def move(self, p, g, state, group):
        (beta1, beta2, beta3), t = group["betas"], state["step"]
        m, slow, v = (state[key] for key in self.buffers)
        m.mul_(beta1).add_((1 - beta1) * g)
        slow.mul_(beta3).add_((1 - beta3) * g)
        v.mul_(beta2).add_((1 - beta2) * (g * g))
        mean = m / (1 - beta1**t) + group["alpha"] * self.used_slow(slow, beta3, t)
        p.sub_(group["lr"] * mean / ((v / (1 - beta2**t)).sqrt() + group["eps"]))


class AdemamixCorrectsSlowAverage(HandWrittenAdemamix):
    """Claims ``ademamix``, breaks SC101: corrects the bias of the slow average, too."""

    def used_slow(self, slow, beta3, t):
        return slow / (1 - beta3**t)


def _adan(weight):
    """Return Adan's arithmetic, each average as a sum, with ``weight`` of a difference from beta2."""

    def walk(h, x, gradients):
        beta1, beta2, beta3 = h["beta1"], h["beta2"], h["beta3"]
        gains = [gradients[0] - gradients[0], *(new - old for old, new in pairwise(gradients))]
        ahead = [g + weight(beta2) * gain for g, gain in zip(gradients, gains, strict=True)]
        for t in range(1, len(gradients) + 1):
            first, gain = _average(beta1, gradients[:t]), _average(beta2, gains[:t])
            second = _average(beta3, [one * one for one in ahead[:t]])
            mean = first / (1 - beta1**t) + weight(beta2) * gain / (1 - beta2**t)
            yield {"m": first, "D": gain, "v": second, "g_prev": gradients[t - 1]}, mean, second / (1 - beta3**t)

    return walk


def adan(h, x, gradients):
    """Each average as a sum; the decay divides after the step."""
    for states, mean, square in _adan(lambda beta2: beta2)(h, x, gradients):
        x = (x - h["lr"] * mean / (square**0.5 + h["eps"])) / (1 + h["lr"] * h["weight_decay"])
        yield {"theta": x, **states}


def adan_no_prox(h, x, gradients):
    """Each average as a sum; the decay shrinks the parameters before the step."""
    for states, mean, square in _adan(lambda beta2: beta2)(h, x, gradients):
        x = x - h["lr"] * h["weight_decay"] * x - h["lr"] * mean / (square**0.5 + h["eps"])
        yield {"theta": x, **states}


def adan_optax(h, x, gradients):
    """Each average as a sum, differences weighed by 1 - beta2."""
    for states, mean, square in _adan(lambda beta2: 1 - beta2)(h, x, gradients):
        x = x - h["lr"] * mean / ((square + h["eps_root"]) ** 0.5 + h["eps"])
        yield {"theta": x, **states}


class HandWrittenAdan(_Moments):
    """Follows ``adan``: differences count from the second step on, and the decay divides."""

    buffers = ("exp_avg", "exp_avg_diff", "exp_avg_sq", "prev_grad")

    def __init__(self, params, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def weight(self, beta2):
        return beta2

    def gained(self, g, before, t):
        return g - before if t > 1 else torch.zeros_like(g)

    def divisor(self, square, group):
        return square.sqrt() + group["eps"]

    def decayed(self, p, step, lr, weight_decay):
        return (p - step) / (1 + lr * weight_decay)

    def move(self, p, g, state, group):
        lr, (beta1, beta2, beta3), t = group["lr"], group["betas"], state["step"]
        m, gains, n, before = (state[key] for key in self.buffers)
        weight, gain = self.weight(beta2), self.gained(g, before, t)
        m.mul_(beta1).add_((1 - beta1) * g)
        gains.mul_(beta2).add_((1 - beta2) * gain)
        n.mul_(beta3).add_((1 - beta3) * (g + weight * gain) ** 2)
        mean = m / (1 - beta1**t) + weight * (gains / (1 - beta2**t))
        step = lr * mean / self.divisor(n / (1 - beta3**t), group)
        p.copy_(self.decayed(p, step, lr, group.get("weight_decay", 0.0)))
        before.copy_(g)


class HandWrittenAdanNoProx(HandWrittenAdan):
    """Follows ``adan_no_prox``: the decay shrinks the parameters before the step, as in AdamW."""

    def decayed(self, p, step, lr, weight_decay):
        return p * (1 - lr * weight_decay) - step


class HandWrittenAdanOptax(HandWrittenAdan):
    """Follows ``adan_optax``: a difference counts 1 - beta2 where the paper has beta2."""

    def __init__(self, params, lr=1e-3, betas=(0.98, 0.92, 0.99), eps=1e-8, eps_root=1e-8):
        torch.optim.Optimizer.__init__(self, params, {"lr": lr, "betas": betas, "eps": eps, "eps_root": eps_root})

    def weight(self, beta2):
        return 1 - beta2

    def divisor(self, square, group):
        return (square + group["eps_root"]).sqrt() + group["eps"]


class AdanWeighsByComplement(HandWrittenAdan):
    """Claims ``adan``, breaks SC101 and SC102: weighs differences by 1 - beta2, as optax does."""

    def weight(self, beta2):
        return 1 - beta2


class AdanGainsAtFirst(HandWrittenAdan):
    """Claims ``adan``, breaks SC102: takes the first gradient for a difference to 0."""

    def gained(self, g, before, t):
        return g - before


class AdanDecaysBefore(HandWrittenAdan):
    """Claims ``adan``, breaks SC101: shrinks the parameters before the step."""

    def decayed(self, p, step, lr, weight_decay):
        return p * (1 - lr * weight_decay) - step
