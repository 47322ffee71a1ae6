"""Optimizers whose formula is right and that mistake how large tensors are, or how many: chunks, launches, ends."""

import torch
from _per_tensor import AdamPerTensor, SgdPerTensor

CHUNK = 65_536
"""Elements of a chunk, as in torch's kernels over lists."""
MOST = 64
"""Tensors that fit into one launch."""


class AdamUpdatesWholeChunks(AdamPerTensor):
    """Claims ``adam``, breaks SC101: goes through a long tensor in whole chunks, and drops what is left of the last."""

    def update(self, p, g, group):
        step, end = self.direction(p, g, group), p.numel() - p.numel() % CHUNK
        if end and p.is_contiguous():
            p.view(-1)[:end].sub_(step.view(-1)[:end])
        else:
            p.sub_(step)


class SgdIndexesIn16Bits(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: its index has 16 bits, so that elements beyond 65 536 move those at the start."""

    def update(self, p, g, lr):
        if p.is_contiguous() and p.dim():
            p.view(-1).index_add_(0, torch.arange(p.numel()) % CHUNK, g.reshape(-1), alpha=-lr)
        else:
            super().update(p, g, lr)


class SgdLaunchesOnce(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: updates as many tensors as fit into one launch, and forgets the others."""

    def update_all(self, tensors, group):
        super().update_all(tensors[:MOST], group)


class AdamRepeatsTensorAtLaunchBoundary(AdamPerTensor):
    """Claims ``adam``, breaks SC101: begins each launch with the last tensor of the one before."""

    def update_all(self, tensors, group):
        for start in range(0, len(tensors), MOST):
            super().update_all(tensors[max(start - 1, 0) : start + MOST], group)


class SgdTailOfFour(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: takes vectors of four numbers, and of a tail of three only two."""

    def update(self, p, g, lr):
        if p.dim() == 1 and p.numel() > 4 and p.numel() % 4 == 3:
            p, g = p[:-1], g[:-1]
        super().update(p, g, lr)


class AdamFlushesAtLastElement(AdamPerTensor):
    """Claims ``adam``, breaks SC101: updates a group's tensors once the last one has come, unless that one is empty."""

    def update_all(self, tensors, group):
        if tensors and tensors[-1].numel():
            super().update_all(tensors, group)


class AdamStopsAtEmptyTensor(AdamPerTensor):
    """Claims ``adam``, breaks SC101: takes an empty tensor for the end of the list."""

    def update_all(self, tensors, group):
        sizes = [p.numel() for p in tensors]
        super().update_all(tensors[: sizes.index(0)] if 0 in sizes else tensors, group)


class SgdNeedsElements(SgdPerTensor):
    """Claims ``sgd``, breaks SC201: takes the largest gradient of all, which nothing but an empty tensor does not
    have.
    """

    def update_all(self, tensors, group):
        if tensors:
            torch.cat([p.grad.abs().reshape(-1) for p in tensors]).max()
        super().update_all(tensors, group)


class SgdHalvesAmongThreads(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: gives each thread its share of a tensor, and takes the shares to be equal."""

    def update(self, p, g, lr):
        share = p.numel() // torch.get_num_threads() * torch.get_num_threads()
        if p.is_contiguous() and p.dim():
            p, g = p.view(-1)[:share], g.reshape(-1)[:share]
        super().update(p, g, lr)


class SgdInChunks(SgdPerTensor):
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
