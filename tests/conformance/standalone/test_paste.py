"""Pasted definitions: complete, without annotations, and equal in what they do to those that the worker runs."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest
import torch

from stepcheck.standalone.paste import pasted
from stepcheck_implementations.driver import portable

NAMES = [name for name, value in vars(portable).items() if getattr(value, "__module__", "") == portable.__name__]


def run(*names: str) -> dict[str, Any]:
    """Return the namespace of a program that has ``names`` and torch alone."""
    imports, definitions = pasted(names)
    space: dict[str, Any] = {"torch": torch, "__name__": "program"}
    exec("\n".join([*imports, *definitions]), space)
    return space


def test_every_definition_can_be_pasted() -> None:
    assert {"sliced", "ScriptedLR", "skip_step", "through_file", "parameter_attributes"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_pasted_text_is_the_definition_without_annotations(name: str) -> None:
    class Bare(ast.NodeTransformer):
        def visit_arg(self, node: ast.arg) -> ast.arg:
            return ast.arg(node.arg)

        def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
            node.returns = None
            return self.generic_visit(node)

        def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
            assert node.value is not None
            return ast.Assign([node.target], node.value)

    source = inspect.getsource(inspect.unwrap(getattr(portable, name)))
    expected = ast.unparse(ast.fix_missing_locations(Bare().visit(ast.parse(source))))
    assert expected in ast.unparse(ast.parse("\n".join(pasted([name])[1])))
    assert "type: ignore" not in "\n".join(pasted([name])[1])


@pytest.mark.parametrize("name", NAMES)
def test_pasted_text_brings_all_that_it_uses(name: str) -> None:
    space = run(name)
    used = {
        node.id
        for text in pasted([name])[1:]
        for node in ast.walk(ast.parse("\n".join(text)))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert {use for use in used & {*vars(portable)} if not use.startswith("__")} <= set(space)
    assert "Any" not in used


def test_only_what_is_used_is_pasted() -> None:
    assert pasted([]) == ([], [])
    imports, definitions = pasted(["sliced"])
    assert imports == []
    assert [line for line in definitions if line.startswith(("def ", "class ", "GUARD"))][1:] == ["def sliced(x):"]
    assert pasted(["skip_step"])[0] == ["import contextlib"]


@pytest.mark.parametrize("name", ["transposed", "sliced", "channels_last"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 2, 2, 2)])
def test_a_pasted_layout_is_the_workers(name: str, shape: tuple[int, ...]) -> None:
    x = torch.arange(float(torch.Size(shape).numel())).reshape(shape)
    one, other = run(name)[name](x), getattr(portable, name)(x)
    assert torch.equal(one, other)
    assert torch.equal(one, x)
    assert (one.stride(), one.storage_offset()) == (other.stride(), other.storage_offset())
    assert one.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


def test_a_pasted_scheduler_sets_rates_without_a_warning() -> None:
    parameters = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    optimizer = torch.optim.SGD([{"params": [p], "lr": 0.5} for p in parameters])
    scheduler = run("ScriptedLR")["ScriptedLR"](optimizer)
    scheduler.set_rates({1: 0.25})
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.25]


@pytest.mark.parametrize("fused", [False, True])
def test_a_skipped_step_calls_only_optimizers_that_check_for_overflow(fused: bool) -> None:
    optimizer: Any = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], fused=fused)
    overflows: list[float] = []
    run("skip_step")["skip_step"](optimizer, lambda: overflows.append(float(optimizer.found_inf)), "cpu")
    assert overflows == [1.0] * fused
    assert not hasattr(optimizer, "found_inf")
    assert not torch.are_deterministic_algorithms_enabled()
