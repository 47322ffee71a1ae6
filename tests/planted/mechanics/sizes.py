"""Optimizers whose formula is right and that mistake how large tensors are, or how many: chunks, launches, ends."""

import torch

CHUNK = 65_536
"""Elements of a chunk, as in torch's kernels over lists."""
MOST = 64
"""Tensors that fit into one launch."""


class _Adam(torch.optim.Optimizer):
    """Adam, all right; subclasses gather and cut into chunks."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            self.update_all([p for p in group["params"] if p.grad is not None], group)

    def update_all(self, tensors, group):
        for p in tensors:
            self.update(p, p.grad, group)

    def update(self, p, g, group):
        p.sub_(self.direction(p, g, group))

    def direction(self, p, g, group):
        """Return the step of ``p``, after its states have moved on."""
        state = self.state[p]
        if not state:
            state.update({"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)})
        state["step"] += 1
        (beta1, beta2), t = group["betas"], state["step"]
        m = state["exp_avg"].mul_(beta1).add_(g, alpha=1 - beta1)
        v = state["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        return m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + group["eps"]) * group["lr"]


class _Sgd(torch.optim.Optimizer):
    """Gradient descent, all right; subclasses gather and cut into chunks."""

    def __init__(self, params, lr=1e-3):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            self.update_all([p for p in group["params"] if p.grad is not None], group)

    def update_all(self, tensors, group):
        for p in tensors:
            self.update(p, p.grad, group["lr"])

    def update(self, p, g, lr):
        p.sub_(g, alpha=lr)


class AdamUpdatesWholeChunks(_Adam):
    """Claims ``adam``, breaks SC101: goes through a long tensor in whole chunks, and drops what is left of the last."""

    def update(self, p, g, group):
        step, end = self.direction(p, g, group), p.numel() - p.numel() % CHUNK
        if end and p.is_contiguous():
            p.view(-1)[:end].sub_(step.view(-1)[:end])
        else:
            p.sub_(step)


class SgdIndexesIn16Bits(_Sgd):
    """Claims ``sgd``, breaks SC101: its index has 16 bits, so that elements beyond 65 536 move those at the start."""

    def update(self, p, g, lr):
        if p.is_contiguous() and p.dim():
            p.view(-1).index_add_(0, torch.arange(p.numel()) % CHUNK, g.reshape(-1), alpha=-lr)
        else:
            super().update(p, g, lr)


class SgdLaunchesOnce(_Sgd):
    """Claims ``sgd``, breaks SC101: updates as many tensors as fit into one launch, and forgets the others."""

    def update_all(self, tensors, group):
        super().update_all(tensors[:MOST], group)


class AdamRepeatsTensorAtLaunchBoundary(_Adam):
    """Claims ``adam``, breaks SC101: begins each launch with the last tensor of the one before."""

    def update_all(self, tensors, group):
        for start in range(0, len(tensors), MOST):
            super().update_all(tensors[max(start - 1, 0) : start + MOST], group)


class SgdTailOfFour(_Sgd):
    """Claims ``sgd``, breaks SC101: takes vectors of four numbers, and of a tail of three only two."""

    def update(self, p, g, lr):
        if p.dim() == 1 and p.numel() > 4 and p.numel() % 4 == 3:
            p, g = p[:-1], g[:-1]
        super().update(p, g, lr)


class AdamFlushesAtLastElement(_Adam):
    """Claims ``adam``, breaks SC101: updates a group's tensors once the last one has come, unless that one is empty."""

    def update_all(self, tensors, group):
        if tensors and tensors[-1].numel():
            super().update_all(tensors, group)


class AdamStopsAtEmptyTensor(_Adam):
    """Claims ``adam``, breaks SC101: takes an empty tensor for the end of the list."""

    def update_all(self, tensors, group):
        sizes = [p.numel() for p in tensors]
        super().update_all(tensors[: sizes.index(0)] if 0 in sizes else tensors, group)


class SgdNeedsElements(_Sgd):
    """Claims ``sgd``, breaks SC201: takes the largest gradient of all, which nothing but an empty tensor does not
    have.
    """

    def update_all(self, tensors, group):
        if tensors:
            torch.cat([p.grad.abs().reshape(-1) for p in tensors]).max()
        super().update_all(tensors, group)


class SgdHalvesAmongThreads(_Sgd):
    """Claims ``sgd``, breaks SC101: gives each thread its share of a tensor, and takes the shares to be equal."""

    def update(self, p, g, lr):
        share = p.numel() // torch.get_num_threads() * torch.get_num_threads()
        if p.is_contiguous() and p.dim():
            p, g = p.view(-1)[:share], g.reshape(-1)[:share]
        super().update(p, g, lr)


class SgdInChunks(_Sgd):
    """Follows ``sgd``: goes through tensors in chunks, and through lists in launches, to the end."""

    def update_all(self, tensors, group):
        for start in range(0, len(tensors), MOST):
            super().update_all(tensors[start : start + MOST], group)

    def update(self, p, g, lr):
        if p.is_contiguous() and p.dim():
            for one, other in zip(p.view(-1).split(CHUNK), g.reshape(-1).split(CHUNK), strict=True):
                one.sub_(other, alpha=lr)
        else:
            super().update(p, g, lr)
