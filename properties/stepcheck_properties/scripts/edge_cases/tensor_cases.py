"""Edge cases of tensors: groups, dtypes, shapes and memory layouts."""

from __future__ import annotations

from stepcheck_properties.scripts.edge_cases.edge_case import Builder, CellInputs
from stepcheck_reference.scripts.script import Group, Script, Tensor


def _two_groups(cell: CellInputs) -> Script:
    tensors = tuple(Tensor(shape, cell.dtype, cell.drawn("normal", "groups", *shape)) for shape in ((9,), (3, 4), (5,)))
    groups = (Group((0, 2), cell.hyper(0)), Group((1,), cell.hyper(1)))
    return Script(tensors, groups, cell.normal_steps("groups", 4, 3))


def _mixed_dtypes(cell: CellInputs) -> Script:
    dtypes = (cell.dtype, *cell.companions[:3], cell.dtype)
    tensors = tuple(Tensor((6,), dtype, cell.drawn("normal", "mixed", index)) for index, dtype in enumerate(dtypes))
    group = Group(tuple(range(len(tensors))), cell.hyper())
    return Script(tensors, (group,), cell.normal_steps("mixed", 4, len(tensors)))


def _layouts(cell: CellInputs) -> Script:
    layouts = (
        ((), "contiguous"),
        ((), "sliced"),
        ((0,), "contiguous"),
        ((3, 0, 2), "contiguous"),
        ((11,), "sliced"),
        ((5, 4), "transposed"),
        ((2, 3, 4), "transposed"),
        ((4, 3), "sliced"),
        ((2, 3, 2, 2), "channels_last"),
    )
    tensors = tuple(
        Tensor(shape, cell.dtype, cell.drawn("normal", "layouts", index), layout)
        for index, (shape, layout) in enumerate(layouts)
    )
    group = Group(tuple(range(len(tensors))), cell.hyper())
    return Script(tensors, (group,), cell.normal_steps("layouts", 2, len(tensors)))


def _has_companions(cell: CellInputs) -> bool:
    return bool(cell.companions)


TWO_GROUPS = Builder("two_groups", "Two groups have different hyper-parameters.", _two_groups)
MIXED_DTYPES = Builder("mixed_dtypes", "Tensors of different dtypes share one group.", _mixed_dtypes, _has_companions)
LAYOUTS = Builder("layouts", "Tensors are 0-d to 4-d, empty, transposed, sliced and channels-last.", _layouts)
