"""Optimizers in the forms that people write them: update functions, factories, classes of their own making."""

import torch


def adam_pure(p, g, m, v, lr=1e-3, b1=0.9, b2=0.999, eps=1e-8, t=1):
    """Everything in, everything new out."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    return p - lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps), m, v


def adam_with_wrong_epsilon(p, g, m, v, lr, b1, b2, eps, t):
    """Everything in, everything new out, and eps under the root."""
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    return p - lr * (m / (1 - b1**t)) / (v / (1 - b2**t) + eps).sqrt(), m, v


def sgd_in_place(params, lr):
    """Reads .grad and empties it, as many loops do."""
    for p in params:
        p -= lr * p.grad
        p.grad.zero_()


def sgd_new(theta, gradient, *, eta):
    """Returns the new parameter alone."""
    return theta - eta * gradient


def momentum_lesson(params, states, hyperparams):
    """One state a parameter, in a list, and a dictionary of hyper-parameters."""
    for p, v in zip(params, states, strict=True):
        v.mul_(hyperparams["momentum"]).add_(p.grad)
        p.data -= hyperparams["lr"] * v


def adam_lesson(params, states, hyperparams):
    """Pairs of states, the count in the dictionary, and the betas inside."""
    beta1, beta2, eps = 0.9, 0.999, 1e-6
    for p, (v, s) in zip(params, states, strict=True):
        v.mul_(beta1).add_(p.grad, alpha=1 - beta1)
        s.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
        v_hat = v / (1 - beta1 ** hyperparams["t"])
        s_hat = s / (1 - beta2 ** hyperparams["t"])
        p.data -= hyperparams["lr"] * v_hat / (s_hat.sqrt() + eps)
        p.grad.zero_()
    hyperparams["t"] += 1


def rmsprop_course(w, dw, config=None):
    """A dictionary that holds defaults and state, and comes back."""
    config = {} if config is None else config
    config.setdefault("learning_rate", 1e-2)
    config.setdefault("decay_rate", 0.99)
    config.setdefault("epsilon", 1e-8)
    config.setdefault("cache", torch.zeros_like(w))
    config["cache"] = config["decay_rate"] * config["cache"] + (1 - config["decay_rate"]) * dw**2
    return w - config["learning_rate"] * dw / (config["cache"].sqrt() + config["epsilon"]), config


def adagrad_one_state(p, state, lr, eps=1e-10):
    """A container of one state, updated in place."""
    (h,) = state
    h += p.grad**2
    p -= lr * p.grad / (h.sqrt() + eps)


def adadelta_by_name(params, grads, states, rho, lr, eps):
    """A dictionary of states for each parameter."""
    for p, g, s in zip(params, grads, states, strict=True):
        s["v"].mul_(rho).add_((1 - rho) * g * g)
        d = (s["delta"] + eps).sqrt() / (s["v"] + eps).sqrt() * g
        s["delta"].mul_(rho).add_((1 - rho) * d * d)
        p -= lr * d


def nesterov_returning(theta, gradient, velocity, step_size, mu):
    """The parameter and the state come back new."""
    velocity = mu * velocity + gradient
    return theta - step_size * (gradient + mu * velocity), velocity


def rprop_stateful(p, g, prev, step_size, eta_minus, eta_plus, step_min, step_max):
    """A state that starts as the learning rate."""
    turn = g * prev
    factor = torch.where(turn > 0, eta_plus, torch.where(turn < 0, eta_minus, 1.0)).to(p.dtype)
    step_size.mul_(factor).clamp_(step_min, step_max)
    g = torch.where(turn < 0, torch.zeros_like(g), g)
    p.sub_(step_size * g.sign())
    prev.copy_(g)


def states_out(params, grads, momenta, lr, momentum):
    """The parameters change in place and the states come back."""
    new = []
    for p, g, b in zip(params, grads, momenta, strict=True):
        b = momentum * b + g
        p -= lr * b
        new.append(b)
    return new


def momentum_telling(p, g, b, lr, momentum):
    """Everything changes in place, and the returned value is only a report."""
    b.mul_(momentum).add_(g)
    update = -lr * b
    p.add_(update)
    return update


def never_callable(p, g, magic, lr):
    """Wants what nobody can know."""
    return p - lr * g * magic


def always_raises(p, g, lr):
    """Fails whatever it is given."""
    raise RuntimeError("not this one either")


def make_rmsprop(params, lr=1e-3, smoothing=0.9):
    """A factory of torch's own."""
    return torch.optim.RMSprop(params, lr=lr, alpha=smoothing, eps=1e-6)


def make_list_adam(params, lr=1e-3):
    """A factory that takes nothing but tensors."""
    params = list(params)
    assert all(isinstance(p, torch.Tensor) for p in params)
    return torch.optim.Adam(params, lr=lr, betas=(0.9, 0.99), eps=1e-6)


class Momentum:
    """Over one tensor; nothing is called what it is."""

    def __init__(self, theta, rate=0.1, gamma=0.9):
        self.w, self._r, self._g = theta, rate, gamma
        self.store = {"first": torch.zeros_like(theta)}

    def step(self):
        self.store["first"] = self._g * self.store["first"] + self.w.grad
        self.w.data -= self._r * self.store["first"]


class Adam:
    """Over a list, with a dictionary for each tensor."""

    def __init__(self, params, lr, b1=0.9, b2=0.99, e=1e-8):
        self.ps = list(params)
        self.lr, self.b1, self.b2, self.e = lr, b1, b2, e
        self.memory = [{"avg": torch.zeros_like(p), "sq": torch.zeros_like(p), "n": 0} for p in self.ps]

    @torch.no_grad()
    def step(self):
        for p, s in zip(self.ps, self.memory, strict=True):
            if p.grad is None:
                continue
            s["n"] += 1
            s["avg"] = self.b1 * s["avg"] + (1 - self.b1) * p.grad
            s["sq"] = self.b2 * s["sq"] + (1 - self.b2) * p.grad**2
            p -= self.lr * (s["avg"] / (1 - self.b1 ** s["n"])) / ((s["sq"] / (1 - self.b2 ** s["n"])).sqrt() + self.e)


class Frozen:
    """Keeps its learning rate where nobody finds it."""

    def __init__(self, params, lr=0.1):
        params = list(params)

        def step():
            with torch.no_grad():
                for p in params:
                    if p.grad is not None:
                        p -= lr * p.grad

        self._step = step

    def step(self):
        self._step()


class ByIdentity(torch.optim.Optimizer):
    """A torch optimizer whose state is in a dictionary of its own, by id."""

    def __init__(self, params, lr=0.1, momentum=0.9):
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.memory = {}

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    b = self.memory.setdefault(id(p), torch.zeros_like(p))
                    b.mul_(group["momentum"]).add_(p.grad)
                    p -= group["lr"] * b


class Flags(torch.optim.Optimizer):
    """Needs more arguments than hyper-parameters."""

    def __init__(self, params, lr, ascend, scale):
        super().__init__(params, {"lr": lr, "ascend": ascend, "scale": scale})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p += (1 if group["ascend"] else -1) * group["scale"] * group["lr"] * p.grad


class ManyNames(torch.optim.Optimizer):
    """Takes its hyper-parameters under any name."""

    def __init__(self, params, **settings):
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["pace"] * p.grad


class _Plain:
    """A list of parameters and a rate."""

    def __init__(self, params, lr=0.1):
        self.params, self.lr = list(params), lr

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.sub_(self.lr * self.direction(p))

    def direction(self, p):
        return p.grad


class ByNorm(_Plain):
    """Steps along the gradient divided by its norm, which no rule here does and which is no elementwise function."""

    def direction(self, p):
        return p.grad / p.grad.norm()


class SgdByKernel(_Plain):
    """Gradient descent whose step is one fused kernel."""

    @torch.no_grad()
    def step(self):
        for p in [p for p in self.params if p.grad is not None]:
            torch._fused_sgd_(
                [p],
                [p.grad],
                [],
                weight_decay=0.0,
                momentum=0.0,
                lr=self.lr,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=True,
            )


class ClippedByKernel(SgdByKernel):
    """Clips gradients that are larger than in a trial before it takes a fused step."""

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.grad = p.grad.clamp(-30.0, 30.0)
        super().step()


class ByCubes(_Plain):
    """Divides by the cube root of an average of cubed magnitudes, which no rule here does."""

    def __init__(self, params, lr=0.1, beta=0.9):
        super().__init__(params, lr)
        self.beta, self.cubes = beta, [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, cube in zip(self.params, self.cubes, strict=True):
            if p.grad is not None:
                cube.mul_(self.beta).add_(p.grad.abs() ** 3, alpha=1 - self.beta)
                p.sub_(self.lr * p.grad / (cube ** (1 / 3) + 1e-8))


class Heavy:
    """Momentum over one tensor, in words of its own."""

    def __init__(self, weight, speed=0.1, keep=0.9):
        self.weight, self.speed, self.keep, self.pull = weight, speed, keep, torch.zeros_like(weight)

    @torch.no_grad()
    def step(self):
        self.pull = self.keep * self.pull + self.weight.grad
        self.weight -= self.speed * self.pull
