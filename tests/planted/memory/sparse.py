"""Optimizers whose formula is right for dense gradients and not for sparse ones whose entries overlap."""

import torch


class SgdKeepsLastOfOverlap(torch.optim.Optimizer):
    """Claims ``sgd``, breaks SC238: makes a sparse gradient dense element by element, so that of two entries for one
    element the last counts.
    """

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = p.grad
                if g.is_sparse:
                    g = torch.zeros_like(p)
                    for row, values in zip(p.grad._indices()[0].tolist(), p.grad._values(), strict=True):
                        g[row] = torch.where(values != 0, values, g[row])
                p.sub_(g, alpha=group["lr"])


class _Adagrad(torch.optim.Optimizer):
    """Adagrad, all right; subclasses square sparse gradients."""

    def __init__(self, params, lr=1e-2, eps=1e-10):
        super().__init__(params, {"lr": lr, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    h = self.state[p].setdefault("sum", torch.zeros_like(p))
                    h.add_(self.square(p.grad))
                    g = p.grad.to_dense() if p.grad.is_sparse else p.grad
                    p.addcdiv_(g, h.sqrt().add_(group["eps"]), value=-group["lr"])

    def square(self, g):
        """Return the square of a gradient, dense."""
        g = g.to_dense() if g.is_sparse else g
        return g * g


class AdagradSquaresEntries(_Adagrad):
    """Claims ``adagrad``, breaks SC238: squares the entries of a sparse gradient before they are added up."""

    def square(self, g):
        if not g.is_sparse:
            return g * g
        return torch.sparse_coo_tensor(g._indices(), g._values() ** 2, g.shape, check_invariants=False).to_dense()


class AdagradSquaresCoalesced(_Adagrad):
    """Follows ``adagrad``: coalesces a sparse gradient, and then squares its entries."""

    def square(self, g):
        return g.coalesce().pow(2).to_dense() if g.is_sparse else g * g
