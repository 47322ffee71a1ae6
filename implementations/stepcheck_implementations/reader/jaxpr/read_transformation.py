"""Read transformation: a function that returns an optax transformation in, the equations of its steps out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax

from stepcheck_implementations.adapters import wrappers
from stepcheck_implementations.adapters.optax_state import attribute, named_states
from stepcheck_implementations.adapters.optax_subject import driven
from stepcheck_implementations.driver.error_text import one_line
from stepcheck_implementations.driver.inputs.arguments import arguments
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching.claim import PROBE_THETA
from stepcheck_implementations.matching.transformations import is_transformation
from stepcheck_implementations.reader.answer import answer
from stepcheck_implementations.reader.expression_graph import ExpressionGraph
from stepcheck_implementations.reader.jaxpr.folded_graph import FoldedGraph
from stepcheck_implementations.reader.jaxpr.interpretation import outputs
from stepcheck_implementations.reader.read_subject import SIZES, Construction
from stepcheck_implementations.reader.reading_run import FAR, STEPS, PlainRun, ReadRun, StepRead

Numbers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Traced:
    """A transformation's jaxprs: of its initial state, and of a step, as functions of ``symbolic`` numbers by slot.

    ``names`` are the states, as ``named_states`` has them, with the place of each among the leaves of the state and
    whether it is one number a tensor.
    """

    symbolic: tuple[str, ...]
    init: Any
    step: Any
    names: Mapping[str, tuple[int, bool]]
    integers: frozenset[str]


def read_transformation(
    factory: Callable[..., Any],
    target: str,
    numbers: Mapping[str, float],
    symbols: Mapping[str, str],
    fixed: Mapping[str, Any],
    held: Mapping[str, float],
) -> dict[str, Any]:
    """Return the reading of ``factory``, as ``answer`` has it.

    ``numbers`` are symbols, by slot ("b1"), unless the code refuses what is not known while it is traced, as a number
    that it compares with another; those are held. Raises TargetError where no step can be traced.
    """

    def built(values: Numbers) -> Any:
        given = {slot: slot for slot in (*held, *values)}
        made = factory(
            **arguments(given, {**held, **values}, factory),
            **{name: value for name, value in fixed.items() if name != "jit"},
        )
        if not is_transformation(made):
            raise TargetError(f"{target}: it made a {type(made).__name__}, which has no init() and update()")
        return made

    traced = _traced(built, target, dict(numbers))
    kept = {slot: value for slot, value in numbers.items() if slot not in traced.symbolic}
    construction = Construction(
        build=driven(factory, None),
        code=factory,
        takes="list",
        numbers={slot: numbers[slot] for slot in traced.symbolic},
        arguments=lambda chosen: dict(chosen),
        symbols={slot: symbols.get(slot, slot) for slot in traced.symbolic},
        wrapper=wrappers.OPTAX,
        fixed=dict(fixed),
        held={**held, **kept},
    )
    taken = {slot.partition("[")[0] for slot in (*numbers, *fixed, *held)}
    plain, run = _run(construction, traced, taken)
    return answer(target, construction, plain, run, None, changed=False)


def _traced(built: Callable[[Numbers], Any], target: str, numbers: dict[str, Any]) -> _Traced:
    """Return the jaxprs with as many numbers as symbols as can be."""
    symbolic = tuple(numbers)
    try:
        return _trace(built, numbers, symbolic)
    except TargetError:
        raise
    except Exception as error:  # of whatever the code does with numbers that are not known
        failure = error
    symbolic = tuple(slot for slot in numbers if _is_traceable(built, numbers, (slot,)))
    for chosen in (symbolic, ()):
        try:
            return _trace(built, numbers, chosen)
        except Exception as error:
            failure = error
    raise TargetError(f"{target}: no step of it can be traced: {one_line(failure)}") from failure


def _is_traceable(built: Callable[[Numbers], Any], numbers: Numbers, symbolic: Sequence[str]) -> bool:
    try:
        _trace(built, numbers, symbolic)
    except Exception:
        return False
    return True


def _trace(built: Callable[[Numbers], Any], numbers: Numbers, symbolic: Sequence[str]) -> _Traced:
    with jax.enable_x64(True):
        ends = [sum(SIZES[: index + 1]) for index in range(len(SIZES))]
        parameters = [
            jnp.array(PROBE_THETA[end - size : end], jnp.float64) for size, end in zip(SIZES, ends, strict=True)
        ]
        state = built(numbers).init(parameters)
        leaves, form = jax.tree.flatten(state)

        def initial(chosen: Numbers, theta: Any) -> Any:
            return built({**numbers, **chosen}).init(theta)

        def step(chosen: Numbers, gradients: Any, old: Any, theta: Any) -> Any:
            updates, new = built({**numbers, **chosen}).update(gradients, old, theta)
            if jax.tree.structure(new) != form:
                raise TargetError("a step changes the form of its state")
            return optax.apply_updates(theta, updates), new

        chosen = {slot: numbers[slot] for slot in symbolic}
        init = jax.make_jaxpr(initial)(chosen, parameters)
        taken = jax.make_jaxpr(step)(chosen, parameters, state, parameters)
    indices = jax.tree.unflatten(form, list(range(len(leaves))))
    names, integers = {}, set()
    for name, place in named_states(indices, len(SIZES)).items():
        index = place[0] if isinstance(place, list) else place
        names[name] = (index, jnp.ndim(leaves[index]) == 0)
        if not jnp.issubdtype(jnp.asarray(leaves[index]).dtype, jnp.floating):
            integers.add(name)
    return _Traced(tuple(sorted(symbolic)), init, taken, names, frozenset(integers))


def _run(construction: Construction, traced: _Traced, taken: set[str]) -> tuple[PlainRun, ReadRun]:
    """Return what a run of every step would have shown."""
    graph = ExpressionGraph()
    folded = FoldedGraph(graph)
    hyper = [graph.symbol("hyper", construction.symbols[slot]) for slot in traced.symbolic]
    theta, gradient = graph.symbol("theta", "theta"), graph.symbol("g", "g")
    each = len(SIZES)
    initial = outputs(traced.init, [*hyper, *[theta] * each], folded)
    paths = {name: attribute(name, taken) for name in traced.names}
    by_leaf = _names_of_leaves(traced, len(initial))

    def stepped(counters: Mapping[str, int]) -> list[int]:
        held = [
            folded.counted(counters[name] - 1) if name in counters else graph.symbol("state", paths.get(name, name))
            for name in by_leaf
        ]
        graph.take_path()
        graph.formats.clear()
        return outputs(traced.step, [*hyper, *[gradient] * each, *held, *[theta] * each], folded)

    after = stepped({})
    counters = {
        name: start
        for name in traced.integers
        if (start := folded.whole(initial[traced.names[name][0]])) is not None
        and _counts_up(graph, after[each + traced.names[name][0]], paths[name])
    }
    after = stepped(counters)
    states = [name for name in traced.names if name not in counters]
    held = {paths[name]: after[each + traced.names[name][0]] for name in states}
    unread = tuple(_functions_in(graph, [after[0], *held.values()]))
    plain = PlainRun(
        counters={paths[name]: start for name, start in counters.items()},
        states=[paths[name] for name in states],
        scalar=[paths[name] for name in states if traced.names[name][1]],
    )
    run = ReadRun(graph, init={paths[name]: initial[traced.names[name][0]] for name in states})
    run.steps = [StepRead(t, after[0], held, (), unread) for t in (*STEPS, FAR[0])]
    return plain, run


def _names_of_leaves(traced: _Traced, count: int) -> list[str]:
    """Return the name of the state that each leaf is: leaves of other tensors follow that of the first."""
    starts = {index: name for name, (index, _) in traced.names.items()}
    names: list[str] = []
    for index in range(count):
        names.append(starts.get(index, names[-1] if names else ""))
    return names


def _counts_up(graph: ExpressionGraph, entry: int, path: str) -> bool:
    """Whether ``entry`` is one more than the state at ``path``, or stays at the end of the integers."""
    state = graph.symbol("state", path)
    more = graph.add("add", state, graph.number(1))
    operator, *operands = graph.entries[entry]
    if operator != "where":
        return entry == more
    condition = graph.entries[operands[0]]
    return operands[1] == more and condition[:2] in (("lt", state), ("ne", state))


def _functions_in(graph: ExpressionGraph, roots: Sequence[int]) -> list[str]:
    """Return the functions that were not read and that ``roots`` are made of."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number in seen:
            continue
        seen.add(number)
        operator, *operands = graph.entries[number]
        if operator == "opaque":
            found[operands[0]] = None
        if operator not in ("number", "symbol"):
            waiting += operands[1:] if operator == "opaque" else operands
    return list(found)
