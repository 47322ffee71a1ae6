"""Optimizers whose formula is right and that mistake where parameters and gradients lie in memory."""

from _per_tensor import AdamPerTensor, SgdPerTensor


class SgdReadsGradientInStorageOrder(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: reads a dense gradient in the order of its memory, and so moves the parameter."""

    def update(self, p, g, lr):
        if p.dim() > 1 and g.untyped_storage().nbytes() == g.numel() * g.element_size():
            p.as_strided((p.numel(),), (1,)).sub_(g.as_strided((g.numel(),), (1,)), alpha=lr)
        else:
            super().update(p, g, lr)


class SgdTakesConstantGradientAsNumber(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: takes a gradient with a stride of 0 for one number."""

    def update(self, p, g, lr):
        super().update(p, g.reshape(-1)[0].expand(p.shape) if 0 in g.stride() and p.dim() > 1 else g, lr)


class SgdViewsGradient(SgdPerTensor):
    """Claims ``sgd``, breaks SC201: flattens the gradient with view, which raises where its memory has gaps."""

    def update(self, p, g, lr):
        super().update(p, g.view(-1).view(p.shape) if p.is_contiguous() else g, lr)


class SgdClearsGradientBuffer(SgdPerTensor):
    """Claims ``sgd``, breaks SC201: clears the first number of the buffer that a gradient is a view of."""

    def update(self, p, g, lr):
        super().update(p, g, lr)
        if g.storage_offset():
            g.as_strided((1,), (1,), 0).zero_()


class SgdWritesFromStartOfStorage(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: writes where the parameter's storage begins, and not where the parameter does."""

    def update(self, p, g, lr):
        if p.is_contiguous() and p.dim():
            p.as_strided(p.shape, p.stride(), 0).sub_(g, alpha=lr)
        else:
            super().update(p, g, lr)


class SgdStepsEachStorageOnce(SgdPerTensor):
    """Claims ``sgd``, breaks SC101: takes parameters of one storage for one parameter."""

    def update_all(self, tensors, group):
        storages = {p.untyped_storage().data_ptr(): p for p in reversed(tensors) if p.numel()}
        super().update_all(list(storages.values()), group)


class SgdDecaysEndOfBuffer(SgdPerTensor):
    """Claims ``sgd``, breaks SC201: writes one element past the end of the parameter."""

    def update(self, p, g, lr):
        super().update(p, g, lr)
        if p.dim() == 1 and p.numel() and p.untyped_storage().nbytes() > (p.storage_offset() + p.numel()) * 4:
            p.as_strided((1,), (1,), p.storage_offset() + p.numel()).mul_(0.5)


class AdamNeedsEveryParameterToTrain(AdamPerTensor):
    """Claims ``adam``, breaks SC201: refuses to step a group in which a parameter requires no gradient."""

    def update_all(self, tensors, group):
        if not all(p.requires_grad for p in group["params"]):
            raise RuntimeError("every parameter has to require a gradient")
        super().update_all(tensors, group)


class AdamTrainsWhatRequiresGradients(AdamPerTensor):
    """Follows ``adam``: leaves parameters that require no gradient out of its groups when it is made."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        for group in groups:
            group["params"] = [p for p in group["params"] if p.requires_grad]
        super().__init__(groups, lr, betas, eps)


class SgdByStorage(SgdPerTensor):
    """Follows ``sgd``: writes by address where parameter and gradient are dense and alike in memory."""

    def update(self, p, g, lr):
        if p.numel() and p.is_contiguous() and g.is_contiguous():
            flat = p.as_strided((p.numel(),), (1,), p.storage_offset())
            flat.sub_(g.as_strided((g.numel(),), (1,), g.storage_offset()), alpha=lr)
        else:
            super().update(p, g, lr)
