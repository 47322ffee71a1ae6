"""Optimizers whose formulas are right and whose lives are not: saved, copied, given closures and tensors, skipped."""

import torch


class _Momentum(torch.optim.Optimizer):
    """Torch's momentum, all of it right; a part is wrong in each subclass."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening})

    def asked(self, closure):
        """Return the loss of ``closure``, called as torch calls it."""
        if closure is None:
            return None
        with torch.enable_grad():
            return closure()

    @torch.no_grad()
    def step(self, closure=None):
        loss = self.asked(closure)
        self.walk()
        return loss

    def walk(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.move(p, self.taken(p.grad), group)

    def taken(self, g):
        """Return the gradient as it is used; a sparse one is made dense."""
        return g.to_dense() if g.is_sparse else g

    def kept(self, g):
        """Return what the first gradient leaves as a buffer."""
        return g.clone()

    def table(self, p):
        return self.state[p]

    def move(self, p, g, group):
        table = self.table(p)
        if "momentum_buffer" not in table:
            table["momentum_buffer"] = self.kept(g)
        else:
            table["momentum_buffer"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        p.sub_(table["momentum_buffer"] * self.rate(p, group))

    def rate(self, p, group):
        return float(group["lr"])


class MomentumWithLifecycle(_Momentum):
    """Claims torch's momentum; keeps every promise of a lifecycle, and looks at found_inf itself."""

    _step_supports_amp_scaling = True

    def walk(self):
        overflowed = getattr(self, "found_inf", None)
        if overflowed is None or not overflowed.item():
            super().walk()


class MomentumRemembersByIdentity(_Momentum):
    """Claims torch's momentum; keeps its buffers by the id of the parameter, which a copy has not."""

    def table(self, p):
        return self.state[id(p)]


class MomentumCannotBePickled(_Momentum):
    """Claims torch's momentum; keeps a function in its groups, which no pickle takes."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, lr, momentum, dampening)
        for group in self.param_groups:
            group["decide"] = lambda p: p.grad is not None


class MomentumForgetsItsBuffer(_Momentum):
    """Claims torch's momentum; leaves the buffers out of its state dict."""

    def state_dict(self):
        return {**super().state_dict(), "state": {}}


class MomentumIgnoresClosure(_Momentum):
    """Claims torch's momentum; takes a closure and does not call it."""

    def asked(self, closure):
        return None


class MomentumCallsClosureTwice(_Momentum):
    """Claims torch's momentum; calls the closure again for the loss that it returns."""

    def asked(self, closure):
        return None if closure is None else (super().asked(closure), super().asked(closure))[1]


class MomentumReturnsNoLoss(_Momentum):
    """Claims torch's momentum; calls the closure and keeps its loss to itself."""

    def asked(self, closure):
        super().asked(closure)


class MomentumCallsClosureWithoutGrad(_Momentum):
    """Claims torch's momentum; calls the closure where autograd records nothing."""

    def asked(self, closure):
        return None if closure is None else closure()


class MomentumRoundsTensorRate(_Momentum):
    """Claims torch's momentum; rounds a learning rate in a tensor to float16."""

    def rate(self, p, group):
        return group["lr"].half() if torch.is_tensor(group["lr"]) else group["lr"]


class MomentumHalvesTensorRate(_Momentum):
    """Claims torch's momentum; computes a step size with *=, which writes into a learning rate that is a tensor."""

    def rate(self, p, group):
        size = group["lr"]
        size *= 0.5
        return 2.0 * float(size)


class MomentumTakesInitialRate(_Momentum):
    """Claims torch's momentum; takes initial_lr where there is one, as there is under a scheduler."""

    def rate(self, p, group):
        return float(group.get("initial_lr", group["lr"]))


class MomentumBufferOfDefaultDtype(_Momentum):
    """Claims torch's momentum; makes its buffer with the default dtype."""

    def kept(self, g):
        return torch.zeros(g.shape).add_(g)


class MomentumKeepsFirstGradient(_Momentum):
    """Claims torch's momentum; its buffer is the first gradient itself."""

    def kept(self, g):
        return g


class SgdWritesRows(torch.optim.Optimizer):
    """Claims SGD; writes the rows of a sparse gradient, so that of two entries for one row the last counts."""

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
    """Claims SGD; shrinks all of a parameter whose gradient is sparse, also where that has no rows."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and p.grad.is_sparse:
                    p.mul_(1 - 0.25 * group["lr"])
                    p.grad = p.grad.to_dense()
        super().step()


class MomentumStepsThroughOverflow(_Momentum):
    """Claims torch's momentum; says that it supports AMP and does not look at found_inf."""

    _step_supports_amp_scaling = True


class MomentumKeepsOverflow(MomentumWithLifecycle):
    """Claims torch's momentum; moves no parameter at a skipped step, and lets its gradient into the buffer."""

    def rate(self, p, group):
        skipped = getattr(self, "found_inf", None) is not None
        return 0.0 if skipped else super().rate(p, group)

    def walk(self):
        _Momentum.walk(self)


class MomentumKeepsLastUpdate(_Momentum):
    """Claims torch's momentum; holds the last update too, which nothing reads."""

    def move(self, p, g, group):
        before = p.clone()
        super().move(p, g, group)
        self.state[p]["last_update"] = p - before


class AdamCastsCounterOnLoad(torch.optim.Adam):
    """Claims Adam; loads its step counter in the dtype of its parameter."""

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for p, state in self.state.items():
            state["step"] = state["step"].to(p.dtype)


class MomentumForeachHasItsOwnBuffer(_Momentum):
    """Claims torch's momentum; its foreach path keeps the buffer under another name than the plain one."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0, foreach=False):
        super().__init__(params, lr, momentum, dampening)
        for group in self.param_groups:
            group.setdefault("foreach", foreach)

    def move(self, p, g, group):
        if not group["foreach"]:
            super().move(p, g, group)
            return
        table = self.table(p)
        if "velocity" not in table:
            table["velocity"] = g.clone()
        else:
            table["velocity"].mul_(group["momentum"]).add_(g, alpha=1 - group["dampening"])
        p.sub_(table["velocity"] * self.rate(p, group))
