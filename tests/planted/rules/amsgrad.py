"""AMSGrads: a right one, and wrong ones whose maximum is stored or corrected in the wrong place."""

import torch


class _Amsgrad(torch.optim.Optimizer):
    """The loop and the averages, all right; subclasses keep the maximum and take the step."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
                        state[key] = torch.zeros_like(p)
                state["step"] += 1
                m = state["exp_avg"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v = state["exp_avg_sq"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                c1, c2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
                root = self.root(v, c2, state)
                p.addcdiv_(m / c1, root + group["eps"], value=-self.rate(group["lr"], c2))

    def rate(self, lr, c2):
        return lr


class HandWrittenAmsgradEpsHat(_Amsgrad):
    """Follows ``amsgrad_eps_hat``: the correction of the maximum is in the learning rate, as in Keras."""

    def root(self, v, c2, state):
        torch.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        return state["max_exp_avg_sq"].sqrt()

    def rate(self, lr, c2):
        return lr * c2**0.5


class AmsgradForgetsMaximum(_Amsgrad):
    """Claims ``amsgrad``, breaks SC102 and SC606: overwrites the maximum with the newest second moment."""

    def root(self, v, c2, state):
        state["max_exp_avg_sq"].copy_(v)
        return (v / c2).sqrt()


class AmsgradIgnoresMaximum(_Amsgrad):
    """Claims ``amsgrad``, breaks SC101 and SC606: keeps the maximum and then steps without it."""

    def root(self, v, c2, state):
        torch.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        return (v / c2).sqrt()


class AmsgradMaximumOfCorrected(_Amsgrad):
    """Claims ``amsgrad``, breaks SC102: corrects the bias first and keeps the maximum of that."""

    def root(self, v, c2, state):
        torch.maximum(state["max_exp_avg_sq"], v / c2, out=state["max_exp_avg_sq"])
        return state["max_exp_avg_sq"].sqrt()


class AmsgradMaximumUncorrected(_Amsgrad):
    """Claims ``amsgrad``, breaks SC101: forgets to correct the bias of the maximum."""

    def root(self, v, c2, state):
        torch.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        return state["max_exp_avg_sq"].sqrt()
