"""Optimizers whose formula is right and that mistake where parameters and gradients lie in memory."""

import torch


class _Adam(torch.optim.Optimizer):
    """Adam, all right; subclasses select parameters."""

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
    """Gradient descent, all right; subclasses read and write by address."""

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


class SgdReadsGradientInStorageOrder(_Sgd):
    """Claims ``sgd``, breaks SC101: reads a dense gradient in the order of its memory, and so moves the parameter."""

    def update(self, p, g, lr):
        if p.dim() > 1 and g.untyped_storage().nbytes() == g.numel() * g.element_size():
            p.as_strided((p.numel(),), (1,)).sub_(g.as_strided((g.numel(),), (1,)), alpha=lr)
        else:
            super().update(p, g, lr)


class SgdTakesConstantGradientAsNumber(_Sgd):
    """Claims ``sgd``, breaks SC101: takes a gradient with a stride of 0 for one number."""

    def update(self, p, g, lr):
        super().update(p, g.reshape(-1)[0].expand(p.shape) if 0 in g.stride() and p.dim() > 1 else g, lr)


class SgdViewsGradient(_Sgd):
    """Claims ``sgd``, breaks SC201: flattens the gradient with view, which raises where its memory has gaps."""

    def update(self, p, g, lr):
        super().update(p, g.view(-1).view(p.shape) if p.is_contiguous() else g, lr)


class SgdClearsGradientBuffer(_Sgd):
    """Claims ``sgd``, breaks SC201: clears the first number of the buffer that a gradient is a view of."""

    def update(self, p, g, lr):
        super().update(p, g, lr)
        if g.storage_offset():
            g.as_strided((1,), (1,), 0).zero_()


class SgdWritesFromStartOfStorage(_Sgd):
    """Claims ``sgd``, breaks SC101: writes where the parameter's storage begins, and not where the parameter does."""

    def update(self, p, g, lr):
        if p.is_contiguous() and p.dim():
            p.as_strided(p.shape, p.stride(), 0).sub_(g, alpha=lr)
        else:
            super().update(p, g, lr)


class SgdStepsEachStorageOnce(_Sgd):
    """Claims ``sgd``, breaks SC101: takes parameters of one storage for one parameter."""

    def update_all(self, tensors, group):
        storages = {p.untyped_storage().data_ptr(): p for p in reversed(tensors) if p.numel()}
        super().update_all(list(storages.values()), group)


class SgdDecaysEndOfBuffer(_Sgd):
    """Claims ``sgd``, breaks SC201: writes one element past the end of the parameter."""

    def update(self, p, g, lr):
        super().update(p, g, lr)
        if p.dim() == 1 and p.numel() and p.untyped_storage().nbytes() > (p.storage_offset() + p.numel()) * 4:
            p.as_strided((1,), (1,), p.storage_offset() + p.numel()).mul_(0.5)


class AdamNeedsEveryParameterToTrain(_Adam):
    """Claims ``adam``, breaks SC201: refuses to step a group in which a parameter requires no gradient."""

    def update_all(self, tensors, group):
        if not all(p.requires_grad for p in group["params"]):
            raise RuntimeError("every parameter has to require a gradient")
        super().update_all(tensors, group)


class AdamTrainsWhatRequiresGradients(_Adam):
    """Follows ``adam``: leaves parameters that require no gradient out of its groups when it is made."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        groups = list(params)
        groups = groups if isinstance(groups[0], dict) else [{"params": groups}]
        for group in groups:
            group["params"] = [p for p in group["params"] if p.requires_grad]
        super().__init__(groups, lr, betas, eps)


class SgdByStorage(_Sgd):
    """Follows ``sgd``: writes by address where parameter and gradient are dense and alike in memory."""

    def update(self, p, g, lr):
        if p.numel() and p.is_contiguous() and g.is_contiguous():
            flat = p.as_strided((p.numel(),), (1,), p.storage_offset())
            flat.sub_(g.as_strided((g.numel(),), (1,), g.storage_offset()), alpha=lr)
        else:
            super().update(p, g, lr)
