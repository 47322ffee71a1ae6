"""Edge cases of memory: sizes beyond the limits of kernels, and gradients that lie elsewhere than their parameters."""

from __future__ import annotations

from dataclasses import replace

from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs
from stepcheck_reference.scripts.objective import needs_objective
from stepcheck_reference.scripts.script import Data, Group, Literal, Script

VISIBLE = {"weight_decay": 0.1, "lambd": 0.1}
"""Decays that are no choice of the plainest values, so that a decay too many or too few shows."""
ODD_SIZES = 17
"""Sizes 1 to 17 leave every remainder of a vector register: up to 16 numbers of 32 bits, in 512-bit registers."""


def _large_tensor(cell: CellInputs) -> Script:
    # 65 536 elements are a chunk of torch's foreach and fused CUDA kernels (aten/src/ATen/native/cuda/
    # MultiTensorApply.cuh, kChunkSize); 32 768 are the grain of at::parallel_for on the CPU.
    tensors = cell.normal_tensors("large", (cell.profile.largest_tensor,), (3,))
    return Script(tensors, (Group((0, 1), cell.hyper(0, **VISIBLE)),), cell.normal_steps("large", 2, 2), threads=2)


def _many_tensors(cell: CellInputs) -> Script:
    # A launch of torch's foreach kernels takes up to 110 tensors (depth_to_max_tensors in MultiTensorApply.cuh).
    many = cell.profile.most_tensors
    shapes = ((0,), *((1 + number % ODD_SIZES,) for number in range(many)), (0,), (0,), (4,), (3,))
    tensors = list(cell.normal_tensors("many tensors", *shapes))
    for number in range(many // 2, many):
        tensors[number] = replace(tensors[number], layout="flat", gradient_layout="flat" if number % 2 else "")
    tensors[-1] = replace(tensors[-1], frozen=True)
    groups = (
        Group(tuple(range(many + 2)), cell.hyper(0, **VISIBLE)),
        Group((many + 2,), cell.hyper(1, **VISIBLE)),
        Group((many + 3, many + 4), cell.hyper(1, **VISIBLE)),
    )
    steps = cell.normal_steps("many tensors", 2, len(tensors))
    return Script(
        tuple(tensors), groups, tuple(replace(step, gradients=(*step.gradients[:-1], None)) for step in steps)
    )


def _only_empty(cell: CellInputs) -> Script:
    return Script(
        cell.normal_tensors("empty", (0,)), (Group((0,), cell.hyper(0, **VISIBLE)),), cell.normal_steps("empty", 2, 1)
    )


_LAYOUTS = (
    ((3, 4), "contiguous", "transposed"),
    ((3, 4), "transposed", "contiguous"),
    ((2, 3, 2, 2), "contiguous", "channels_last"),
    ((2, 3, 2, 2), "channels_last", "contiguous"),
    ((11,), "contiguous", "sliced"),
    ((), "contiguous", "sliced"),
    ((4, 3), "sliced", "sliced"),
    ((5,), "contiguous", "flat"),
    ((2, 3), "flat", "flat"),
    ((17,), "flat", ""),
)
"""Shapes with the layout of the parameter and of its gradient."""
_EXPANDED: tuple[tuple[tuple[int, ...], str, tuple[int, ...]], ...] = (
    ((17,), "contiguous", (0,) * 17),
    ((2, 3), "transposed", (0,) * 6),
    ((3, 4), "contiguous", (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)),
    ((3, 4), "transposed", (0, 1, 2, 3) * 3),
)
"""Shapes with the layout of a parameter, and which of its gradient's elements are equal."""


def _gradient_layouts(cell: CellInputs) -> Script:
    shapes = tuple(shape for shape, *_ in (*_LAYOUTS, *_EXPANDED))
    tensors = tuple(
        replace(tensor, layout=layout, gradient_layout=gradient)
        for tensor, (layout, gradient) in zip(
            cell.normal_tensors("gradient layouts", *shapes),
            [*((one, other) for _, one, other in _LAYOUTS), *((one, "expanded") for _, one, _ in _EXPANDED)],
            strict=True,
        )
    )
    steps = tuple(
        replace(step, gradients=(*step.gradients, *(_equal(cell, tensor, sign) for tensor in _EXPANDED)))
        for step, sign in zip(cell.normal_steps("gradient layouts", 2, len(_LAYOUTS)), (1.0, -1.0), strict=True)
    )
    first, rest = len(_LAYOUTS) // 2, range(len(tensors))
    groups = (
        Group(tuple(rest[:first]), cell.hyper(0, **VISIBLE)),
        Group(tuple(rest[first:]), cell.hyper(1, **VISIBLE)),
    )
    return Script(tensors, groups, steps)


def _equal(cell: CellInputs, tensor: tuple[tuple[int, ...], str, tuple[int, ...]], sign: float) -> Data:
    """Return gradients that are equal where a tensor of ``_EXPANDED`` says so."""
    different = (0.75, -0.375, 1.25, -2.0)
    values = tuple(sign * different[number] for number in tensor[2])
    reals = tuple(part for value in values for part in (value, 0.5 * value))
    return Literal(reals if cell.dtype.startswith("complex") else values)


def _has_large_tensor(cell: CellInputs) -> bool:
    return cell.profile.tries_limits and cell.profile.largest_tensor > 0


def _has_many_tensors(cell: CellInputs) -> bool:
    return cell.profile.tries_limits


def _in_this_dtype(cell: CellInputs) -> bool:
    return cell.profile.in_this_dtype


def _has_gradient_layouts(cell: CellInputs) -> bool:
    """Whether the gradients are the script's and no objective's, which gives them their parameters' strides."""
    return cell.profile.in_this_dtype and not needs_objective(cell.rule)


LARGE_TENSOR = Builder(
    "large_tensor",
    "A tensor is one element longer than a chunk of torch's kernels, and two threads share it.",
    _large_tensor,
    _has_large_tensor,
)
MANY_TENSORS = Builder(
    "many_tensors",
    "A group has more tensors than torch's kernels take at once, of 1 to 17 elements, many of them views of one "
    "buffer, and empty ones first and last; another has only an empty one, and a third one that requires no gradient.",
    _many_tensors,
    _has_many_tensors,
)
ONLY_EMPTY = Builder("only_empty", "There is nothing but an empty tensor.", _only_empty, _in_this_dtype)
GRADIENT_LAYOUTS = Builder(
    "gradient_layouts",
    "Gradients have other strides than their parameters, or stride 0, or are views of a larger buffer.",
    _gradient_layouts,
    _has_gradient_layouts,
)
