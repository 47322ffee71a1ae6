"""Interpretation: a jaxpr evaluated on entries of an expression graph, one for all elements of an array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend import core

from stepcheck_implementations.reader.jaxpr.folded_graph import FoldedGraph
from stepcheck_implementations.reader.jaxpr.primitives import REDUCTIONS, SHAPES, TABLE

_INLINED = ("jaxpr", "call_jaxpr", "fun_jaxpr")
"""The parameters in which a primitive holds the jaxpr that it calls."""
_CALLS = ("jit", "pjit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat2", "checkpoint")
"""Primitives that call a jaxpr once, with their operands."""


def outputs(closed: Any, inputs: Sequence[int], graph: FoldedGraph) -> list[int]:
    """Return the entry of each output of the closed jaxpr ``closed``, whose inputs have the entries ``inputs``."""
    return _evaluated(closed.jaxpr, closed.consts, inputs, graph)


def _evaluated(jaxpr: Any, constants: Sequence[Any], inputs: Sequence[int], graph: FoldedGraph) -> list[int]:
    known: dict[Any, int] = {}
    known.update(zip(jaxpr.constvars, (_constant(value, graph) for value in constants), strict=True))
    known.update(zip(jaxpr.invars, inputs, strict=True))

    def entry(variable: Any) -> int:
        return _constant(variable.val, graph) if isinstance(variable, core.Literal) else known[variable]

    for equation in jaxpr.eqns:
        results = _results(equation, [entry(variable) for variable in equation.invars], graph)
        known.update(zip(equation.outvars, results, strict=True))
    return [entry(variable) for variable in jaxpr.outvars]


def _constant(value: Any, graph: FoldedGraph) -> int:
    """Return the entry of a literal or of an array of one number; another array is a function that was not read."""
    array = np.asarray(value)
    if array.dtype.kind not in "biuf" or not array.size or (array != array.flat[0]).any():
        return graph.graph.call("an array in the code")
    return graph.graph.number(array.flat[0].item())


def _results(equation: Any, operands: list[int], graph: FoldedGraph) -> list[int]:
    name, parameters = equation.primitive.name, equation.params
    if name in _CALLS:
        called = next((parameters[key] for key in _INLINED if key in parameters), None)
        if called is not None:
            return _called(called, operands, graph)
    if name == "cond":
        return _branches(parameters["branches"], operands, graph)
    if name == "optimization_barrier":
        return operands
    result = _result(equation, name, parameters, operands, graph)
    if result is not None and len(equation.outvars) == 1:
        return [result]
    unread = f"jax.lax.{name}"
    return [graph.graph.call(unread, *operands) for _ in equation.outvars]


def _called(called: Any, operands: list[int], graph: FoldedGraph) -> list[int]:
    constants = getattr(called, "consts", ())
    return _evaluated(getattr(called, "jaxpr", called), constants, operands, graph)


def _branches(branches: Sequence[Any], operands: list[int], graph: FoldedGraph) -> list[int]:
    """Return what a conditional chooses, whose first operand is the number of the branch."""
    which, *others = operands
    cases = [_called(branch, others, graph) for branch in branches]
    return [TABLE["select_n"](graph, {}, [which, *column]) for column in zip(*cases, strict=True)]


def _result(
    equation: Any, name: str, parameters: Mapping[str, Any], operands: list[int], graph: FoldedGraph
) -> int | None:
    """Return the entry of the only result, None where the primitive is not read."""
    before = [variable.aval for variable in equation.invars]
    after = equation.outvars[0].aval
    if name == "convert_element_type":
        return _converted(before[0].dtype, after.dtype, operands[0], graph)
    if name in SHAPES:
        flat = name != "transpose" or sum(size != 1 for size in before[0].shape) < 2
        alone = len(operands) == 1 and (before[0].size == 1 or (flat and before[0].size == after.size))
        return operands[0] if alone else None
    if name in REDUCTIONS:
        return operands[0] if before[0].size == after.size and not name.startswith("arg") else None
    if name in ("div", "rem") and not jnp.issubdtype(after.dtype, jnp.floating):
        return None
    if name in TABLE and not any(jnp.issubdtype(value.dtype, jnp.complexfloating) for value in (*before, after)):
        return TABLE[name](graph, parameters, operands)
    return None


def _converted(before: Any, after: Any, entry: int, graph: FoldedGraph) -> int | None:
    """Return a cast: the same in the formula, unless it cuts off what is behind the point."""
    if jnp.issubdtype(before, jnp.floating) and not jnp.issubdtype(after, jnp.floating):
        return None
    if jnp.issubdtype(before, jnp.floating) and jnp.finfo(after).bits < jnp.finfo(before).bits:
        graph.graph.formats.add(str(after))
    return entry
