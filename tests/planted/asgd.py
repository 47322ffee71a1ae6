"""Averaged SGDs: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenAsgd(torch.optim.Optimizer):
    """Claims torch's averaged SGD; rate and weight are Python floats."""

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6):
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0})

    def rate(self, t, group):
        return group["lr"] / (1 + group["lambd"] * group["lr"] * t) ** group["alpha"]

    def weight(self, t, t0):
        return 1 / max(1, t - t0)

    def used(self, state, group):
        return state["eta"]

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(step=0, ax=torch.zeros_like(p).detach(), eta=group["lr"], mu=1.0)
                state["step"] += 1
                eta, ax = self.used(state, group), state["ax"]
                p.copy_((1 - group["lambd"] * eta) * p - eta * p.grad)
                ax.copy_(p if state["mu"] == 1 else ax + state["mu"] * (p - ax))
                state["eta"], state["mu"] = self.rate(state["step"], group), self.weight(state["step"], group["t0"])


class AsgdStepsWithNewRate(HandWrittenAsgd):
    """Claims torch's averaged SGD; steps with the rate that is meant for the next step."""

    def used(self, state, group):
        return self.rate(state["step"], group)


class AsgdAveragesOneStepEarly(HandWrittenAsgd):
    """Claims torch's averaged SGD; begins to average one step before t0 has passed."""

    def weight(self, t, t0):
        return 1 / max(1, t - (t0 - 1))


class AsgdAveragesEverything(HandWrittenAsgd):
    """Claims torch's averaged SGD; averages from the first step on, whatever t0 says."""

    def weight(self, t, t0):
        return 1 / (t + 1)
