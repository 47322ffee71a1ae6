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


def ftrl(h, x, gradients):
    """The first sum by what each step moved: gradients, less what the parameters of each step stand for."""
    first, square = 0, 0
    for g in gradients:
        before, square = square**0.5, square + g * g
        first = first + g - (square**0.5 - before) * x / h["lr"]
        over = abs(first) - h["l1"]
        size = over * h["lr"] / (h["beta"] + square**0.5 + h["l2"] * h["lr"]) if over > 0 else 0
        x = -size if first > 0 else size
        yield {"theta": x, "h": square, "linear": first}


class HandWrittenFtrl(torch.optim.Optimizer):
    """Follows ``ftrl``: parameters from two sums, and 0 where the first is within l1."""

    def __init__(self, params, lr=0.1, beta=0.0, l1=0.0, l2=0.0):
        if not lr > 0:
            raise ValueError(f"lr={lr}, but should be positive")
        super().__init__(params, {"lr": lr, "beta": beta, "l1": l1, "l2": l2})

    def shrunk(self, z, l1):
        return torch.where(z.abs() <= l1, torch.zeros_like(z), z - l1 * z.sign())

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, beta, l1, l2 = group["lr"], group["beta"], group["l1"], group["l2"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state.update(sum=torch.zeros_like(p), z=torch.zeros_like(p))
                n, z = state["sum"], state["z"]
                g = p.grad.to_dense() if p.grad.is_sparse else p.grad
                moved = n + g * g
                z.add_(g).sub_((moved.sqrt() - n.sqrt()) / lr * p)
                n.copy_(moved)
                p.copy_(-self.shrunk(z, l1) / ((beta + n.sqrt()) / lr + l2))


class FtrlCutsWithoutShrinking(HandWrittenFtrl):
    """Claims ``ftrl``, breaks SC101: sets what is within l1 to 0, and takes l1 off nothing else."""

    def shrunk(self, z, l1):
        return torch.where(z.abs() <= l1, torch.zeros_like(z), z)
