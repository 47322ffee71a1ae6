"""AdaGrads: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenAdagrad(torch.optim.Optimizer):
    """Follows ``adagrad+initial_accumulator+lr_decay``: with lr_decay and initial_accumulator as torch has them."""

    def __init__(self, params, lr=1e-2, lr_decay=0.0, initial_accumulator=0.0, eps=1e-10):
        defaults = {"lr": lr, "lr_decay": lr_decay, "initial_accumulator": initial_accumulator, "eps": eps}
        super().__init__(params, defaults)

    def add_param_group(self, group):
        super().add_param_group(group)
        added = self.param_groups[-1]
        for p in added["params"]:
            self.state[p] = {"step": 0, "h": torch.full_like(p, self.start(added)).detach()}

    def start(self, group):
        return group["initial_accumulator"]

    def rate(self, t, group):
        return group["lr"] / (1 + (t - 1) * group["lr_decay"])

    def divisor(self, h, eps):
        return h.sqrt() + eps

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                state["step"] += 1
                state["h"].addcmul_(p.grad, p.grad)
                p.addcdiv_(p.grad, self.divisor(state["h"], group["eps"]), value=-self.rate(state["step"], group))


class AdagradEpsInside(HandWrittenAdagrad):
    """Claims ``adagrad``, breaks SC101: adds eps under the root."""

    def divisor(self, h, eps):
        return (h + eps).sqrt()


class AdagradWithoutRoot(HandWrittenAdagrad):
    """Claims ``adagrad``, breaks SC101 and SC607: divides by the sum of squares itself."""

    def divisor(self, h, eps):
        return h + eps


class AdagradDecaysRateFromT(HandWrittenAdagrad):
    """Claims ``adagrad+lr_decay``, breaks SC101: lets the rate fall from the first step on, with t for t - 1."""

    def rate(self, t, group):
        return group["lr"] / (1 + t * group["lr_decay"])


class AdagradStartsAtTenth(HandWrittenAdagrad):
    """Claims ``adagrad``, breaks SC104: starts its sum at 0.1, as Keras does."""

    def start(self, group):
        return 0.1
