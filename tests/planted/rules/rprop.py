"""Rprops: a right one, and wrong ones made from it by one mistake each."""

import torch


class HandWrittenRprop(torch.optim.Optimizer):
    """Follows ``rprop``: a gradient that has turned is dropped."""

    def __init__(self, params, lr=1e-2, eta_minus=0.5, eta_plus=1.2, step_min=1e-6, step_max=50.0):
        defaults = {"eta_minus": eta_minus, "eta_plus": eta_plus, "step_min": step_min, "step_max": step_max}
        super().__init__(params, {"lr": lr, **defaults})

    def bounded(self, step_size, group):
        return step_size.clamp(group["step_min"], group["step_max"])

    def step_gradient(self, g, turn):
        return torch.where(turn < 0, torch.zeros_like(g), g)

    def due_step(self, state, move):
        """Return what to move by at this step, which works out ``move``."""
        return move

    def factor(self, turn, group):
        grown = torch.where(turn > 0, torch.full_like(turn, group["eta_plus"]), torch.ones_like(turn))
        return torch.where(turn < 0, torch.full_like(turn, group["eta_minus"]), grown)

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["step"] = 0
                    state["g_prev"] = torch.zeros_like(p).detach()
                    state["step_size"] = torch.full_like(p, group["lr"]).detach()
                state["step"] += 1
                turn = p.grad * state["g_prev"]
                step_size = self.bounded(state["step_size"] * self.factor(turn, group), group)
                g = self.step_gradient(p.grad, turn)
                p.sub_(self.due_step(state, step_size * g.sign()))
                state["step_size"].copy_(step_size)
                state["g_prev"].copy_(g)


class RpropWithoutBounds(HandWrittenRprop):
    """Claims ``rprop``, breaks SC102: lets step sizes grow and shrink without end."""

    def bounded(self, step_size, group):
        return step_size


class RpropKeepsTurnedGradient(HandWrittenRprop):
    """Claims ``rprop``, breaks SC101 and SC102: steps along a gradient that has turned, and remembers it."""

    def step_gradient(self, g, turn):
        return g


class RpropShrinksAtRest(HandWrittenRprop):
    """Claims ``rprop``, breaks SC102: lets the step size shrink also where the gradient is 0."""

    def factor(self, turn, group):
        return torch.where(
            turn > 0, torch.full_like(turn, group["eta_plus"]), torch.full_like(turn, group["eta_minus"])
        )


class RpropSwapsBounds(HandWrittenRprop):
    """Claims ``rprop``, breaks SC102: swaps the bounds that it clamps to, which leaves the smallest."""

    def bounded(self, step_size, group):
        return step_size.clamp(group["step_max"], group["step_min"])


class RpropLagsOneStep(HandWrittenRprop):
    """Claims ``rprop``, breaks SC101: takes the step that the last gradient asked for, as optax does."""

    def due_step(self, state, move):
        before = state.get("pending", torch.zeros_like(move))
        state["pending"] = move
        return before
