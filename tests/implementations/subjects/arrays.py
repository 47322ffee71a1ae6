"""Optimizers over NumPy arrays, as courses write them, and others of the same shapes that compute something else."""

import numpy as np
import torch


class Descent:
    """A dictionary of parameters, in place."""

    def __init__(self, lr=0.01):
        self.lr = lr

    def update(self, params, grads):
        for key in params:
            params[key] -= self.lr * grads[key]


class Heavy:
    """A dictionary whose entries are replaced, and states that are made at the first step."""

    def __init__(self, lr=0.01, momentum=0.9):
        self.lr, self.momentum, self.speed = lr, momentum, None

    def update(self, params, grads):
        if self.speed is None:
            self.speed = {name: np.zeros(values.shape) for name, values in params.items()}
        for name in params:
            self.speed[name] = self.momentum * self.speed[name] + grads[name]
            params[name] = params[name] - self.lr * self.speed[name]


class AdaptiveList:
    """Lists of arrays, a square root of NumPy, and an epsilon that is written into the code."""

    def __init__(self, learning_rate=0.01):
        self.rate, self.sums = learning_rate, None

    def step(self, weights, gradients):
        if self.sums is None:
            self.sums = [np.zeros_like(w) for w in weights]
        for w, dw, s in zip(weights, gradients, self.sums, strict=True):
            s += np.square(dw)
            w -= self.rate * dw / (np.sqrt(s) + 1e-7)


class Moments:
    """One array that comes back new; the counter is the class's own."""

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.m = self.v = 0.0
        self.t = 0

    def update(self, w, dw):
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * dw
        self.v = self.beta2 * self.v + (1 - self.beta2) * dw**2
        return w - self.lr * self.corrected(self.m, self.beta1) / self.divisor()

    def divisor(self):
        return np.sqrt(self.corrected(self.v, self.beta2)) + self.eps

    def corrected(self, moment, beta):
        return moment / (1 - beta**self.t)


class MomentsEpsInside(Moments):
    """The epsilon is inside of the root."""

    def divisor(self):
        return np.sqrt(self.corrected(self.v, self.beta2) + self.eps)


class MomentsUncorrected(Moments):
    """No correction."""

    def corrected(self, moment, beta):
        return moment


class MomentsEarly(Moments):
    """The power is one too small from the second step on."""

    def corrected(self, moment, beta):
        return moment / (1 - beta ** max(self.t - 1, 1))


class MomentsCountTensors:
    """The counter is raised for each array, and not for each step."""

    def __init__(self, lr=0.001, beta1=0.9):
        self.lr, self.beta1, self.m, self.t = lr, beta1, {}, 0

    def update(self, params, grads):
        for key in params:
            self.t += 1
            self.m[key] = self.beta1 * self.m.get(key, 0.0) + (1 - self.beta1) * grads[key]
            params[key] -= self.lr * self.m[key] / (1 - self.beta1**self.t)


class GradientsFirst:
    """The gradients come first, under names that nobody has listed."""

    def __init__(self, rate):
        self.rate = rate

    def apply_gradients(self, all_grads, values):
        for grad, value in zip(all_grads, values, strict=True):
            value -= self.rate * grad


class GivenAtConstruction:
    """The parameters are the constructor's, and the step takes gradients alone."""

    def __init__(self, params, lr=0.1):
        self.params, self.lr = params, lr

    def step(self, grads):
        for p, g in zip(self.params, grads, strict=True):
            p -= self.lr * g


class ReturnsChanges:
    """What has to be added comes back."""

    def __init__(self, lr=0.1):
        self.lr = lr

    def get_updates(self, params, grads):
        return [-self.lr * g for g in grads]


class OverTensors:
    """The same shape over tensors of torch."""

    def __init__(self, lr=0.1, beta=0.9):
        self.lr, self.beta, self.m = lr, beta, {}

    def update(self, params, grads):
        for key, p in params.items():
            self.m[key] = self.m.get(key, torch.zeros_like(p)).mul(self.beta).add(grads[key])
            p.sub_(self.lr * self.m[key])


class DoesNothing:
    """It returns something else than parameters."""

    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, params, grads):
        return self.lr


class Everything:
    """Much of NumPy in one step."""

    def __init__(self, lr=0.1, cap=0.5):
        self.lr, self.cap, self.old = lr, cap, None

    def update(self, w, dw):
        if self.old is None:
            self.old = np.zeros_like(w)
        size = np.empty_like(w)
        np.maximum(np.abs(dw), self.old, out=size)
        size[dw < 0] = 0.25
        clipped = np.clip(np.where(dw > 0, size, -size), -self.cap, self.cap)
        np.copyto(self.old, np.abs(dw).astype(w.dtype))
        rate = np.sqrt(np.float64(self.lr) ** 2 if self.lr > 100 else self.lr * self.lr)
        w[:] -= rate * np.sign(clipped) * np.power(clipped, 2)


class TakesNorm:
    """A number of the whole array."""

    def __init__(self, lr=0.1):
        self.lr = lr

    def update(self, w, dw):
        w -= self.lr * dw / np.linalg.norm(dw)


def nesterov_by_config(w, dw, config=None):
    """State and hyper-parameters in one dictionary."""
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("momentum", 0.9)
    v = config.get("velocity", np.zeros_like(w))
    before = v
    v = config["momentum"] * v - config["learning_rate"] * dw
    config["velocity"] = v
    return w - config["momentum"] * before + (1 + config["momentum"]) * v, config


def adam_by_config(x, dx, settings=None):
    """A counter in the dictionary, and an entry with a name of its own."""
    settings = {} if settings is None else settings
    for key, value in (("rate", 1e-3), ("beta1", 0.9), ("beta2", 0.999), ("epsilon", 1e-8), ("t", 0)):
        settings.setdefault(key, value)
    settings.setdefault("m", np.zeros_like(x))
    settings.setdefault("v", np.zeros_like(x))
    settings["t"] += 1
    settings["m"] = settings["beta1"] * settings["m"] + (1 - settings["beta1"]) * dx
    settings["v"] = settings["beta2"] * settings["v"] + (1 - settings["beta2"]) * dx * dx
    m = settings["m"] / (1 - settings["beta1"] ** settings["t"])
    v = settings["v"] / (1 - settings["beta2"] ** settings["t"])
    return x - settings["rate"] * m / (np.sqrt(v) + settings["epsilon"]), settings
