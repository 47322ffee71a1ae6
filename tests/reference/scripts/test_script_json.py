"""Script JSON: a script is read as it was written, and fields with their default are not written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor
from stepcheck_reference.scripts.script_json import from_json, to_json

ONE = Literal((1.0,))
PLAIN = Script((Tensor((2,), "float32", ONE),), (Group((0,), {"lr": 0.5}),), (Step((ONE,)),))


def test_what_is_said_of_memory_and_threads_is_read_as_it_was_written() -> None:
    tensor = replace(PLAIN.tensors[0], layout="flat", gradient_layout="expanded", frozen=True)
    script = replace(PLAIN, tensors=(tensor,), threads=2)
    assert from_json(to_json(script)) == script


def test_defaults_are_left_out_so_that_old_tokens_and_baselines_stay_valid() -> None:
    text = to_json(PLAIN)
    assert not any(name in text for name in ("gradient_layout", "frozen", "threads"))
    assert from_json(text) == PLAIN


@pytest.mark.parametrize("threads", [0, -1, 10_000])
def test_a_number_of_threads_that_no_script_needs_is_refused(threads: int) -> None:
    with pytest.raises(ValueError, match="threads="):
        replace(PLAIN, threads=threads)


def test_a_layout_that_no_gradient_has_is_refused() -> None:
    with pytest.raises(ValueError, match="gradient_layout='diagonal', but should be one of '', 'contiguous'"):
        replace(PLAIN.tensors[0], gradient_layout="diagonal")
