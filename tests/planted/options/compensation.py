"""Narrow parameters whose rounding errors are kept: compensated sums, and roundings of a wider copy."""

import torch


class _Adam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    state = self.state[p]
                    if not state:
                        self.start(p, state)
                    self.move(p, state, self.direction(p.grad, state, group) * group["lr"])

    def start(self, p, state):
        state.update(step=0, m=torch.zeros_like(p), v=torch.zeros_like(p))

    def direction(self, g, state, group):
        state["step"] += 1
        beta1, beta2 = group["betas"]
        state["m"].mul_(beta1).add_(g, alpha=1 - beta1)
        state["v"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        m_hat, v_hat = state["m"] / (1 - beta1 ** state["step"]), state["v"] / (1 - beta2 ** state["step"])
        return m_hat / (v_hat.sqrt() + group["eps"])


class AdamCompensates(_Adam):
    """Follows ``adam`` in bfloat16: adds to each step what the last one lost by rounding."""

    def start(self, p, state):
        super().start(p, state)
        state["lost"] = torch.zeros_like(p)

    def move(self, p, state, step):
        wanted = state["lost"] - step
        before = p.clone()
        p.add_(wanted)
        state["lost"].copy_(wanted - (p - before))


class AdamCompensatesTwice(AdamCompensates):
    """Claims ``adam`` in bfloat16, breaks SC101: adds what the last step lost, and steps twice as far."""

    def move(self, p, state, step):
        super().move(p, state, 2 * step)


class AdamRoundsMasterWeights(_Adam):
    """Follows ``adam`` in bfloat16: steps on a float32 copy and moments, which parameters are rounded from."""

    def start(self, p, state):
        wide = p.float()
        state.update(step=0, m=torch.zeros_like(wide), v=torch.zeros_like(wide), master=wide.clone())

    def direction(self, g, state, group):
        return super().direction(g.float(), state, group)

    def move(self, p, state, step):
        state["master"].sub_(step)
        p.copy_(state["master"])

    def load_state_dict(self, state_dict):
        super().load_state_dict(state_dict)
        for index, p in enumerate(p for group in self.param_groups for p in group["params"]):
            for key, value in state_dict["state"].get(index, {}).items():
                self.state[p][key] = value.clone() if torch.is_tensor(value) else value
