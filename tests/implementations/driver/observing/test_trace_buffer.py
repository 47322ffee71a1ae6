"""Trace buffers: rows are read back bit by bit, whatever their dtype and shape, and where a tensor was missing."""

from __future__ import annotations

import numpy as np
import torch

from stepcheck_implementations.driver.observing.trace_buffer import TraceBuffer, parameter_rows, state_rows
from stepcheck_reference.scripts.script import Literal, Tensor

REAL, COMPLEX = (Tensor((2,), dtype, Literal((0.0,))) for dtype in ("float32", "complex64"))


def written(*rows: list[torch.Tensor | None]) -> TraceBuffer:
    buffer = TraceBuffer()
    for row in rows:
        buffer.write(row)
    return buffer


def test_a_row_is_a_copy_and_keeps_its_values() -> None:
    here = torch.ones(2)
    buffer = written([here])
    here.fill_(2.0)
    buffer.write([here])
    assert parameter_rows(list(buffer.blocks(0, 2)), REAL).tolist() == [[1.0, 1.0], [2.0, 2.0]]
    assert buffer.last(0).tolist() == [2.0, 2.0]


def test_tensors_of_several_dtypes_stand_side_by_side_in_the_order_of_their_elements() -> None:
    strided, wide = torch.arange(4.0)[::2], torch.full((2,), 0.1, dtype=torch.float64)
    buffer = written([strided, wide, torch.tensor([1 + 2j, 3 + 4j])])
    assert parameter_rows(list(buffer.blocks(0, 1)), REAL).tolist() == [[0.0, 2.0]]
    assert parameter_rows(list(buffer.blocks(1, 1)), REAL).tolist() == [[0.1, 0.1]]
    assert parameter_rows(list(buffer.blocks(2, 1)), COMPLEX).tolist() == [[1.0, 2.0, 3.0, 4.0]]


def test_a_late_state_is_0_before_and_marked_as_missing() -> None:
    blocks = list(written([None], [None], [torch.ones(2)]).blocks(0, 3))
    assert [(block.rows, block.values is None) for block in blocks] == [(2, True), (1, False)]
    assert state_rows(blocks, REAL).tolist() == [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]]


def test_one_real_of_a_complex_element_stands_for_both_of_its_reals() -> None:
    rows = state_rows(list(written([torch.tensor([1.0, 2.0])]).blocks(0, 1)), COMPLEX)
    assert rows.tolist() == [[1.0, 1.0, 2.0, 2.0]]


def test_scalars_have_one_column_until_one_has_the_shape_of_its_parameter() -> None:
    scalar, full = torch.tensor(3.0), torch.tensor([4.0, 5.0])
    assert state_rows(list(written([scalar]).blocks(0, 1)), REAL).tolist() == [[3.0]]
    assert state_rows(list(written([scalar], [full]).blocks(0, 2)), REAL).tolist() == [[3.0, 3.0], [4.0, 5.0]]


def test_a_state_that_changes_its_dtype_is_read_in_the_wider_one() -> None:
    rows = state_rows(list(written([torch.ones(2)], [torch.full((2,), 0.1, dtype=torch.float64)]).blocks(0, 2)), REAL)
    assert rows.dtype == np.float64
    assert rows.tolist() == [[1.0, 1.0], [0.1, 0.1]]


def test_only_the_requested_rows_are_read() -> None:
    buffer = written([torch.zeros(2)], [torch.ones(2)], [torch.ones(2)])
    assert parameter_rows(list(buffer.blocks(0, 2)), REAL).shape == (2, 2)
    assert parameter_rows(list(buffer.blocks(0, 0)), REAL).shape == (0, 2)
