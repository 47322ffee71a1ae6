"""Optimizers whose formula is right and whose life cycle is not: checkpoints, copies, closures, skipped steps."""

import torch


class _Momentum(torch.optim.Optimizer):
    """Torch's momentum, all of it right; a part is wrong in each subclass."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    def evaluate(self, closure):
        """Return the loss of ``closure``, called as torch calls it."""
        if closure is None:
            return None
        with torch.enable_grad():
            return closure()

    @torch.no_grad()
    def step(self, closure=None):
        loss = self.evaluate(closure)
        self.update_all()
        return loss

    def update_all(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.dense(p.grad), group)

    def dense(self, g):
        """Return the gradient as it is used; a sparse one is made dense."""
        return g.to_dense() if g.is_sparse else g

    def first_buffer(self, g):
        """Return what the first gradient leaves as a buffer."""
        return g.clone()

    def state_of(self, p):
        return self.state[p]

    def update(self, p, g, group):
        state = self.state_of(p)
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = self.first_buffer(g)
        else:
            state["momentum_buffer"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        p.sub_(state["momentum_buffer"] * self.rate(p, group))

    def rate(self, p, group):
        return float(group["lr"])


class MomentumWithLifecycle(_Momentum):
    """Follows ``momentum``: keeps every promise of a lifecycle, and looks at found_inf and grad_scale itself."""

    _step_supports_amp_scaling = True

    def update_all(self):
        overflowed = getattr(self, "found_inf", None)
        if overflowed is None or not overflowed.item():
            super().update_all()

    def dense(self, g):
        scale = getattr(self, "grad_scale", None)
        return super().dense(g) if scale is None else super().dense(g) / scale


class MomentumRemembersByIdentity(_Momentum):
    """Claims ``momentum``, breaks SC231: keeps its buffers by the id of the parameter, which a copy has not."""

    def state_of(self, p):
        return self.state[id(p)]


class MomentumCannotBePickled(_Momentum):
    """Claims ``momentum``, breaks SC231: keeps a function in its groups, which no pickle takes."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, lr, momentum, dampening)
        for group in self.param_groups:
            group["decide"] = lambda p: p.grad is not None


class MomentumForgetsItsBuffer(_Momentum):
    """Claims ``momentum``, breaks SC230: leaves the buffers out of its state dict."""

    def state_dict(self):
        return {**super().state_dict(), "state": {}}


class MomentumIgnoresClosure(_Momentum):
    """Claims ``momentum``, breaks SC233: takes a closure and does not call it."""

    def evaluate(self, closure):
        return None


class MomentumCallsClosureTwice(_Momentum):
    """Claims ``momentum``, breaks SC233: calls the closure again for the loss that it returns."""

    def evaluate(self, closure):
        return None if closure is None else (super().evaluate(closure), super().evaluate(closure))[1]


class MomentumReturnsNoLoss(_Momentum):
    """Claims ``momentum``, breaks SC233: calls the closure and keeps its loss to itself."""

    def evaluate(self, closure):
        super().evaluate(closure)


class MomentumCallsClosureWithoutGrad(_Momentum):
    """Claims ``momentum``, breaks SC233: calls the closure where autograd records nothing."""

    def evaluate(self, closure):
        return None if closure is None else closure()


class MomentumRoundsTensorRate(_Momentum):
    """Claims ``momentum``, breaks SC234: rounds a learning rate in a tensor to float16."""

    def rate(self, p, group):
        return group["lr"].half() if torch.is_tensor(group["lr"]) else group["lr"]


class MomentumHalvesTensorRate(_Momentum):
    """Claims ``momentum``, breaks SC234: computes a step size with *=, which writes into a learning rate that is a
    tensor.
    """

    def rate(self, p, group):
        size = group["lr"]
        size *= 0.5
        return 2.0 * float(size)


class MomentumTakesInitialRate(_Momentum):
    """Claims ``momentum``, breaks SC235: takes initial_lr where there is one, as there is under a scheduler."""

    def rate(self, p, group):
        return float(group.get("initial_lr", group["lr"]))


class MomentumBufferOfDefaultDtype(_Momentum):
    """Claims ``momentum``, breaks SC236: makes its buffer with the default dtype."""

    def first_buffer(self, g):
        return torch.zeros(g.shape).add_(g)


class MomentumKeepsFirstGradient(_Momentum):
    """Claims ``momentum``, breaks SC237: its buffer is the first gradient itself."""

    def first_buffer(self, g):
        return g


class SgdWritesRows(torch.optim.Optimizer):
    """Claims ``sgd``, breaks SC238: writes the rows of a sparse gradient, so that of two entries for one row the last
    counts.
    """

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.is_sparse:
                    rows = p.grad._indices()[0]
                    p[rows] = p[rows] - group["lr"] * p.grad._values()
                else:
                    p -= group["lr"] * p.grad


class SgdMovesOtherRows(SgdWritesRows):
    """Claims ``sgd``, breaks SC238: shrinks rows that a sparse gradient does not have, too."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.grad.is_sparse:
                    p.mul_(1 - 0.25 * group["lr"])
                    p.grad = p.grad.to_dense()
        super().step()


class MomentumStepsThroughOverflow(_Momentum):
    """Claims ``momentum``, breaks SC239: says that it supports AMP and does not look at found_inf."""

    _step_supports_amp_scaling = True


class MomentumKeepsOverflow(MomentumWithLifecycle):
    """Claims ``momentum``, breaks SC239: moves no parameter at a skipped step, yet its gradient enters the buffer."""

    def rate(self, p, group):
        skipped = getattr(self, "found_inf", None) is not None
        return 0.0 if skipped else super().rate(p, group)

    def update_all(self):
        _Momentum.update_all(self)


class MomentumKeepsLastUpdate(_Momentum):
    """Claims ``momentum``, breaks SC240: holds the last update too, which nothing reads."""

    def update(self, p, g, group):
        before = p.clone()
        super().update(p, g, group)
        self.state[p]["last_update"] = p - before


class AdamCastsCounterOnLoad(torch.optim.Adam):
    """Claims ``adam`` in bfloat16, breaks SC230: loads its step counter in the dtype of its parameter."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for p, state in self.state.items():
            state["step"] = state["step"].to(p.dtype)


class MomentumForeachHasItsOwnBuffer(_Momentum):
    """Claims ``momentum`` in foreach mode, breaks SC232: its foreach path keeps the buffer under another name than the
    plain one.
    """

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, foreach=False):
        super().__init__(params, lr, momentum, dampening)
        for group in self.param_groups:
            group.setdefault("foreach", foreach)

    def update(self, p, g, group):
        if not group["foreach"]:
            super().update(p, g, group)
            return
        state = self.state_of(p)
        if "velocity" not in state:
            state["velocity"] = g.clone()
        else:
            state["velocity"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        p.sub_(state["velocity"] * self.rate(p, group))
