"""Standalone programs for optax: a failure as a short JAX program that needs neither stepcheck nor Hypothesis."""

from __future__ import annotations

from collections.abc import Mapping

from stepcheck.standalone.construction import arguments
from stepcheck.standalone.python_source import comparison, docstring, keywords, literal, wrapped
from stepcheck_implementations.adapters.adapter import Adapter, Cell
from stepcheck_reference.scripts.expansion import expand
from stepcheck_reference.scripts.script import Data, Script, Tensor

_HEAD = """
def array(values, shape, dtype):
    return jnp.array(np.full(shape, values, dtype) if np.isscalar(values) else np.array(values, dtype).reshape(shape))


def step(gradients):
    for i, gradient in enumerate(gradients):
        if gradient is None:  # optax has no missing gradients: the tensor's transformation is not called
            continue

        def update(gradient, state, parameter, optimizer=optimizers[group_of[i]]):
            updates, state = optimizer.update(gradient, state, parameter)
            return optax.apply_updates(parameter, updates), state

        with jax.enable_x64(dtypes[i] == "float64"):
            p[i], states[i] = {run}(array(gradient, shapes[i], dtypes[i]), states[i], p[i])


def field(state, name):
    if isinstance(state, tuple):
        if name in getattr(state, "_fields", ()):
            return getattr(state, name)
        return next((value for part in state if (value := field(part, name)) is not None), None)
"""


def standalone_program(
    adapter: Adapter,
    cell: Cell,
    script: Script,
    *,
    title: str,
    output: str | None = None,
    tensor: int = 0,
    index: int = 0,
    step: int = 0,
    expected: float = 0.0,
    radius: float = 0.0,
) -> str:
    """Return a program that runs ``script`` and exits 1 where ``output`` lies outside expected ± radius.

    The arguments are those of ``torch_program.standalone_program``. Every tensor is a tree of its own; saving and
    loading, which changes nothing in a program whose state is a value, is left out.
    """
    group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
    current = [{**adapter.configuration(cell.configuration).fixed_hyper, **group.hyper} for group in script.groups]
    compiled = cell.mode == "compiled"
    lines = [docstring(title), "", "import jax", "import jax.numpy as jnp", "import numpy as np", "import optax", ""]
    lines += _HEAD.replace("{run}", "jax.jit(update)" if compiled else "update").splitlines()
    lines += [
        "",
        "",
        f"dtypes = {[f'{item.dtype}' for item in script.tensors]!r}",
        f"shapes = {[item.shape for item in script.tensors]!r}",
        f"group_of = {[group_of[number] for number in range(len(script.tensors))]!r}",
        f"optimizers = [{', '.join(_constructed(adapter, cell, hyper) for hyper in current)}]",
        "p, states = [], []",
    ]
    for number, item in enumerate(script.tensors):
        lines += [
            f'with jax.enable_x64(dtypes[{number}] == "float64"):',
            *wrapped(f"    p.append(array({_values(item.initial, item)}, shapes[{number}], dtypes[{number}]))"),
            f"    states.append(optimizers[group_of[{number}]].init(p[{number}]))",
        ]
    stop = len(script.steps) if output is None else step
    for position, event in enumerate(script.steps[:stop], 1):
        lines += ["", f"# step {position}"]
        for group, name, value in event.hyper:
            current[group][name] = value
            lines.append(f"optimizers[{group}] = {_constructed(adapter, cell, current[group])}")
        for number, data in event.overwrite:
            values = f"array({_values(data, script.tensors[number])}, shapes[{number}], dtypes[{number}])"
            lines += [f'with jax.enable_x64(dtypes[{number}] == "float64"):', *wrapped(f"    p[{number}] = {values}")]
        gradients = (
            "None" if data is None else _gradient(script, number, data) for number, data in enumerate(event.gradients)
        )
        lines += wrapped(f"step([{', '.join(gradients)}])")
        for number in range(len(script.tensors)) if script.box is not None and position < stop else ():
            lines += [
                f'with jax.enable_x64(dtypes[{number}] == "float64"):',
                f"    p[{number}] = jnp.clip(p[{number}], {', '.join(map(literal, script.box or ()))})",
            ]
    if output is None:
        return "\n".join(lines) + "\n"
    reading = _reading(adapter, output, tensor, index)
    lines += comparison(reading, output=output, tensor=tensor, index=index, step=step, expected=expected, radius=radius)
    return "\n".join(lines) + "\n"


def _constructed(adapter: Adapter, cell: Cell, hyper: Mapping[str, float]) -> str:
    options = adapter.configuration(cell.configuration).options
    fixed = {name: value for name, value in cell.fixed if name not in adapter.hyper}
    return f"{cell.target}({keywords({**arguments(adapter, hyper), **options, **fixed})})"


def _gradient(script: Script, number: int, data: Data) -> str:
    """Return the gradient of tensor ``number``; that of an objective depends on the parameter."""
    values = _values(data, script.tensors[number])
    if script.objective is None:
        return values
    low = f"np.reshape(np.array({values}, dtypes[{number}]), shapes[{number}])" if "[" in values else values
    return f"(np.asarray(p[{number}]) - {low}) * {literal(script.objective.curvature)}"


def _values(data: Data, item: Tensor) -> str:
    values: list[object] = [*expand(data, item.size, item.dtype).tolist()]
    if item.dtype.startswith("complex"):
        pairs = expand(data, item.size, item.dtype).reshape(-1, 2).tolist()
        values = [complex(*pair) for pair in pairs]
    entries = [literal(value) for value in values]
    return entries[0] if len(set(entries)) == 1 else f"[{', '.join(entries)}]"


def _reading(adapter: Adapter, output: str, tensor: int, index: int) -> str:
    if output == "theta":
        source = f"p[{tensor}]"
    else:
        key = str(adapter.count if output == "count" else adapter.states[output])
        field = key.removeprefix("negated_")
        source = f'{"" if field == key else "-"}field(states[{tensor}], "{field}")'
    if output == "count":
        return f"float({source})"
    return f"np.asarray({source}).ravel()[{index}].astype(np.float64).item()"
