"""Optimizers over NumPy arrays, as a course on neural networks has one write them."""

import numpy as np


class Adam:
    """A network's parameters and gradients are two dictionaries with the same keys."""

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.steps = 0
        self.m = {}
        self.v = {}

    def update(self, params, grads):
        """Change every array of ``params`` in place."""
        self.steps += 1
        for key in params:
            if key not in self.m:
                self.m[key] = np.zeros_like(params[key])
                self.v[key] = np.zeros_like(params[key])
            g = grads[key]
            self.m[key] = self.beta1 * self.m[key] + (1 - self.beta1) * g
            self.v[key] = self.beta2 * self.v[key] + (1 - self.beta2) * g * g
            mean = self.m[key] / (1 - self.beta1**self.steps)
            square = self.v[key] / (1 - self.beta2**self.steps)
            params[key] -= self.lr * mean / (np.sqrt(square) + 1e-8)


class AdamUncorrected(Adam):
    """The same without the corrections, which are easily forgotten."""

    def update(self, params, grads):
        """Change every array of ``params`` in place."""
        for key in params:
            g = grads[key]
            self.m[key] = self.beta1 * self.m.get(key, 0.0) + (1 - self.beta1) * g
            self.v[key] = self.beta2 * self.v.get(key, 0.0) + (1 - self.beta2) * g * g
            params[key] -= self.lr * self.m[key] / (np.sqrt(self.v[key]) + 1e-8)


def rmsprop(w, dw, config=None):
    """Return new weights, and the dictionary in which hyper-parameters and state are."""
    if config is None:
        config = {}
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("cache", np.zeros_like(w))
    config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config
