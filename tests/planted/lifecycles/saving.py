"""Optimizers that are wrong once they have been saved, loaded, copied or given another group."""

import copy

import torch
from _sgd_loop import MomentumLoop
from sharing import AdamCorrectionsByStepAndBetas


class MomentumOfItsFirstGroups(MomentumLoop):
    """Claims ``momentum``, breaks SC241: goes over the groups that it was constructed with."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        super().__init__(params, lr, momentum, dampening)
        self.first = len(self.param_groups)

    def groups(self):
        return self.param_groups[: self.first]


class MomentumOwnDefaults(MomentumLoop):
    """Claims ``momentum``, breaks SC241: completes a group by the defaults of its signature and not by those that it
    was constructed with.
    """

    def add_param_group(self, param_group):
        if self.param_groups:
            param_group = {"lr": 1e-3, "momentum": 0.0, "dampening": 0.0, **param_group}
        super().add_param_group(param_group)


class MomentumStartsLateGroupsAtOne(MomentumLoop):
    """Claims ``momentum``, breaks SC241: gives the parameters of a group that comes later a buffer of ones."""

    def add_param_group(self, param_group):
        super().add_param_group(param_group)
        if self.state:
            for p in self.param_groups[-1]["params"]:
                self.state[p]["momentum_buffer"] = torch.ones_like(p)


class MomentumKeepsItsRate(MomentumLoop):
    """Claims ``momentum``, breaks SC230: goes on with the learning rate that it was constructed with after loading."""

    def load_state_dict(self, state_dict):
        rates = [group["lr"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, rate in zip(self.param_groups, rates, strict=True):
            group["lr"] = rate


class MomentumTakesTheStatesOut(MomentumLoop):
    """Claims ``momentum``, breaks SC230: takes the states out of the dict that it loads, so that it loads only once."""

    def load_state_dict(self, state_dict):
        super().load_state_dict({**state_dict, "state": dict(state_dict["state"])})
        state_dict["state"].clear()


class MomentumPacksItsStates(MomentumLoop):
    """Claims ``momentum``, breaks SC230: numbers the states in its dict, and not the parameters, of which one may have
    no state yet.
    """

    def state_dict(self):
        saved = super().state_dict()
        return {**saved, "state": dict(enumerate(saved["state"].values()))}


class AdamSavesItsCounterInFewBits(AdamCorrectionsByStepAndBetas):
    """Claims ``adam`` in bfloat16, breaks SC103: its state dict has the step count in bfloat16, which ends at 256, and
    is loaded as an integer.
    """

    def state_dict(self):
        saved = copy.deepcopy(super().state_dict())
        for state in saved["state"].values():
            state["step"] = int(torch.tensor(state["step"]).bfloat16())
        return saved


class MomentumClearsItsStateWhenSaved(MomentumLoop):
    """Claims ``momentum``, breaks SC243: leaves itself without buffers when its state dict is made."""

    def state_dict(self):
        saved = copy.deepcopy(super().state_dict())
        self.state.clear()
        return saved


class MomentumSharesBuffersWithCopies(MomentumLoop):
    """Claims ``momentum``, breaks SC243: a deep copy has the very buffers of the original."""

    def __deepcopy__(self, memo):
        groups = copy.deepcopy(self.param_groups, memo)
        copied = type(self)(groups)
        pairs = zip(self.param_groups, copied.param_groups, strict=True)
        for p, q in ((p, q) for one, other in pairs for p, q in zip(one["params"], other["params"], strict=True)):
            copied.state[q] = self.state[p]
        return copied


class MomentumOverAList:
    """Follows ``momentum``: a plain class over a list of parameters, with a state dict of its own."""

    def __init__(self, params, lr=1e-3, momentum=0.0, dampening=0.0):
        self.params = list(params)
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.b = [None] * len(self.params)

    @torch.no_grad()
    def step(self):
        for index, p in enumerate(self.params):
            if p.grad is None:
                continue
            if self.b[index] is None:
                self.b[index] = p.grad.clone()
            else:
                self.b[index].mul_(self.momentum).add_(p.grad, alpha=1 - self.dampening)
            p.sub_(self.b[index] * self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()

    def state_dict(self):
        return {"b": [None if b is None else b.clone() for b in self.b], "lr": self.lr, "momentum": self.momentum,
                "dampening": self.dampening}  # fmt: skip

    def load_state_dict(self, state_dict):
        self.lr, self.momentum, self.dampening = (state_dict[name] for name in ("lr", "momentum", "dampening"))
        self.b = [None if b is None else b.clone() for b in state_dict["b"]]
