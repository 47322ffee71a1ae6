"""torch's and NumPy's operations that observing a subject relies on, bound before any subject is imported.

A subject that replaces ``torch.equal`` or ``torch.Tensor.detach`` changes them for itself, and not here. Methods are
bound as functions of their tensor.
"""

from __future__ import annotations

import numpy as np
import torch

equal, cat, stack, tensor, no_grad = torch.equal, torch.cat, torch.stack, torch.tensor, torch.no_grad
view_as_real, eq, ne, isnan = torch.view_as_real, torch.eq, torch.ne, torch.isnan
logical_and, logical_or = torch.logical_and, torch.logical_or

detach, reshape, cpu, to, to_dense = (
    torch.Tensor.detach,
    torch.Tensor.reshape,
    torch.Tensor.cpu,
    torch.Tensor.to,
    torch.Tensor.to_dense,
)
all_of, any_of, numel, resolve_conj = torch.Tensor.all, torch.Tensor.any, torch.Tensor.numel, torch.Tensor.resolve_conj
as_numpy = torch.Tensor.numpy

zeros, array, repeat, concatenate, broadcast_to = np.zeros, np.array, np.repeat, np.concatenate, np.broadcast_to
result_type = np.result_type
asarray, where, maximum, absolute, isfinite, frexp, ldexp = (
    np.asarray,
    np.where,
    np.maximum,
    np.absolute,
    np.isfinite,
    np.frexp,
    np.ldexp,
)
errstate = np.errstate
