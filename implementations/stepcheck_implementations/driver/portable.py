"""What both the worker and standalone programs run; it needs torch alone.

``stepcheck.standalone`` copies definitions from here into its programs, without their annotations. So each uses only
builtins, the modules imported here, and other definitions of this file.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import torch

GUARD = 1.5  # around the elements of sliced and flat tensors; finite, because nan would survive a stray update


def transposed(x: torch.Tensor) -> torch.Tensor:
    """Return a copy of x with its last two dimensions swapped in memory."""
    return x.mT.clone(memory_format=torch.contiguous_format).mT if x.dim() > 1 else x.clone()


def sliced(x: torch.Tensor) -> torch.Tensor:
    """Return a copy of x as every second element of a larger tensor."""
    shape = (*x.shape[:-1], 2 * x.shape[-1] + 1) if x.dim() else (3,)
    base = torch.full(shape, GUARD, dtype=x.dtype, device=x.device)
    return (base[..., 1::2] if x.dim() else base[1]).copy_(x)


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """Return a copy of x, in channels-last order if it has four dimensions."""
    return x.clone(memory_format=torch.channels_last) if x.dim() == 4 else x.clone()


def flat(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return copies of tensors of one dtype as views of one buffer, in which they lie one after another."""
    first = tensors[0]
    buffer = torch.full((sum(x.numel() for x in tensors) + 2,), GUARD, dtype=first.dtype, device=first.device)
    views, start = [], 1
    for x in tensors:
        views.append(buffer[start : start + x.numel()].view(x.shape).copy_(x))
        start += x.numel()
    return views


def expanded(x: torch.Tensor) -> torch.Tensor:
    """Return a copy of x with stride 0 along every dimension in which its values are equal."""
    small = x.clone()
    for dim in range(x.dim()):
        if small.shape[dim] > 1 and bool((small == small.narrow(dim, 0, 1)).all()):
            small = small.narrow(dim, 0, 1).clone()
    return small.expand(x.shape)


def ends_of_buffer(x: torch.Tensor) -> torch.Tensor:
    """Return a view of the first and the last element of the buffer of flat tensors, which hold GUARD."""
    base = torch.empty(0, dtype=x.dtype, device=x.device).set_(x.untyped_storage())
    return base[:: base.numel() - 1]


def between_elements(x: torch.Tensor) -> torch.Tensor:
    """Return a view of the memory around the elements of a sliced tensor: it holds GUARD unless overwritten."""
    base = torch.empty(0, dtype=x.dtype, device=x.device).set_(x.untyped_storage())
    return base.reshape(-1, 2 * x.shape[-1] + 1)[:, 0::2] if x.dim() else base[0::2]


def uncoalesced(x: torch.Tensor) -> torch.Tensor:
    """Return x as a sparse tensor with two entries a row, nonzero in different columns, so their sum is exact."""
    first = x.clone()
    rows = first.reshape(len(x), -1) if len(x) else first
    rows[..., 1::2] = 0
    return from_entries(x, [first, x - first])


def overlapping(x: torch.Tensor) -> torch.Tensor:
    """Return x as a sparse tensor with two entries a row, each of them half of it, so their sum is exact."""
    return from_entries(x, [x / 2, x - x / 2])


def from_entries(x: torch.Tensor, parts: list[torch.Tensor]) -> torch.Tensor:
    """Return a sparse tensor like x whose entries are the nonzero rows of parts, the last row of each first."""
    entries = [part.to_sparse(1) for part in parts]
    indices = torch.cat([part.indices().flip(1) for part in entries], dim=1)
    values = torch.cat([part.values().flip(0) for part in entries])
    return torch.sparse_coo_tensor(indices, values, x.shape, check_invariants=False)


class ScriptedLR(torch.optim.lr_scheduler.LRScheduler):
    """A scheduler whose learning rates are set from outside."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.rates: list[Any] = [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[Any]:
        """Return the learning rate of each group."""
        return list(self.rates)

    def set_rates(self, rates: dict[int, float]) -> None:
        """Set the learning rates of some groups, by number."""
        current = [group["lr"] for group in self.optimizer.param_groups]
        self.rates = [rates.get(number, rate) for number, rate in enumerate(current)]
        self.optimizer._opt_called = True  # type: ignore[attr-defined]  # no warning that step() was not called before
        self.step()


def through_file(state: object) -> Any:
    """Return what torch.load reads after torch.save has written state."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file)


@contextlib.contextmanager
def filled_memory() -> Iterator[None]:
    """Fill newly allocated memory with nan, so that reading it uninitialized always shows."""
    enabled = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warn_only)


def skip_step(optimizer: Any, step: Callable[[], object], device: str) -> None:
    """Do what torch.amp.GradScaler does after an overflow: an optimizer steps only if it checks found_inf itself."""
    if getattr(optimizer, "_step_supports_amp_scaling", False):
        optimizer.grad_scale, optimizer.found_inf = None, torch.ones((), device=device)
        with filled_memory():
            step()
        del optimizer.grad_scale, optimizer.found_inf


def scaled_step(optimizer: Any, parameters: Any, step: Callable[[], object], scale: float, device: str) -> object:
    """Do what torch.amp.GradScaler does without overflow: an optimizer may remove the scale of gradients itself."""
    if not getattr(optimizer, "_step_supports_amp_scaling", False):
        return step()
    gradients = [p.grad for p in parameters if p.grad is not None]
    kept = [gradient.clone() for gradient in gradients]
    for gradient in gradients:
        gradient.mul_(scale)
    optimizer.grad_scale = torch.full((), scale, dtype=torch.float32, device=device)
    optimizer.found_inf = torch.zeros((), dtype=torch.float32, device=device)
    try:
        return step()
    finally:
        del optimizer.grad_scale, optimizer.found_inf
        for gradient, before in zip(gradients, kept, strict=True):
            if torch.equal(gradient, before * scale):  # it may also have been unscaled in place
                gradient.copy_(before)


def in_thread(call: Callable[[], Any]) -> Any:
    """Return what call returns in a thread of its own, or raise what it raises there."""
    ended: list[Any] = []

    def run() -> None:
        try:
            ended.append((call(), None))
        except BaseException as error:
            ended.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    returned, error = ended[0]
    if error is not None:
        raise error
    return returned


def parameter_attributes(optimizer: object) -> list[str]:
    """Return the names of the attributes that are parameters, or lists of parameters."""
    lists = {name: x if isinstance(x, list) else [x] for name, x in vars(optimizer).items()}
    return [name for name, x in lists.items() if x and all(isinstance(p, torch.nn.Parameter) for p in x)]
