"""Programs: a rule's equations as a straight line of n-ary operations, each distinct one once.

Sums and products stay n-ary because the bound on them holds for every order of evaluation. A node is
*scalar* when it depends on hyper-parameters, constants, scalar states and t alone, and *counted* when
it depends on t or a scalar state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stepcheck_reference.rule import Rule


@dataclass(frozen=True, slots=True)
class Blend:
    """A two-term sum recognised as the average a·old + (1 − a)·new, which code may compute as a lerp.

    ``squared`` says that new is a square.
    """

    weight: int
    old: int
    new: int
    sign: int
    squared: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    ``kind`` is "symbol", "number", "sum", "product", "root", "power", "maximum", "minimum", "absolute", "sign" or
    "select"; of code that was read also "lerp" (of the ``blend``) and "round" (to the format ``name``). ``arguments``
    index earlier nodes. ``exponents`` (of a product) are nonzero integers; ``sign`` is +1 or -1, an exact factor.
    ``branches`` (of a select) pair a comparison (operator, left, right), or None for "otherwise", with a node.
    """

    kind: str
    scalar: bool
    counted: bool = False
    arguments: tuple[int, ...] = ()
    exponents: tuple[int, ...] = ()
    sign: int = 1
    name: str = ""
    number: Fraction = Fraction(0)
    inexact: bool = False
    branches: tuple[tuple[tuple[str, int, int] | None, int], ...] = ()
    blend: Blend | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A rule's equations: ``nodes`` in order of evaluation, ``outputs`` mapping "theta" and each state to a node.

    ``scalar_outputs`` does so for states that are one number per tensor, and ``forms`` maps an output to nodes that
    equal it but round differently. ``symbols`` names the symbols that each node depends on; ``entering`` are the
    scalars that are combined with a tensor directly, not as a factor. ``decisive`` are the nodes whose sign a branch or
    a sign() depends on, and the terms of those that are sums. ``outside`` maps (select, branch) to the nodes of that
    branch that other nodes need as well. ``needs_objective`` says that the rule needs an objective, whose curvature is
    then a symbol.
    """

    rule: Rule
    nodes: tuple[Node, ...]
    outputs: Mapping[str, int]
    scalar_outputs: Mapping[str, int]
    forms: Mapping[str, tuple[int, ...]]
    decisive: frozenset[int]
    outside: Mapping[tuple[int, int], tuple[int, ...]]
    symbols: tuple[frozenset[str], ...]
    entering: frozenset[int]
    states: tuple[str, ...]
    scalar_states: tuple[str, ...]
    hyper: tuple[str, ...]
    needs_objective: bool


def decisive_nodes(nodes: Sequence[Node]) -> frozenset[int]:
    """Return the nodes whose sign a branch or a sign() depends on, and the terms of those that are sums."""
    compared = {
        index for node in nodes for condition, _ in node.branches if condition is not None for index in condition[1:]
    }
    decisive = compared | {node.arguments[0] for node in nodes if node.kind == "sign"}
    summed = {
        index for node_index in decisive if nodes[node_index].kind == "sum" for index in nodes[node_index].arguments
    }
    return frozenset(decisive | summed)


def shared_operations(nodes: Sequence[Node], results: Iterable[int]) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return, for every branch of every elementwise select, its operations that other nodes need as well."""

    def reached(roots: Iterable[int], without: tuple[int, int] | None = None) -> set[int]:
        visited: set[int] = set()
        pending = list(roots)
        while pending:
            index = pending.pop()
            if index in visited:
                continue
            visited.add(index)
            node = nodes[index]
            pending += node.arguments
            for branch_index, (condition, branch) in enumerate(node.branches):
                pending += [] if condition is None else list(condition[1:])
                pending += [] if (index, branch_index) == without else [branch]
            if node.blend is not None:
                pending += [node.blend.weight, node.blend.old, node.blend.new]
        return visited

    roots = tuple(results)
    outside = {}
    for index, node in enumerate(nodes):
        for branch_index, (_, branch) in enumerate(node.branches):
            if not node.scalar:
                shared = reached((branch,)) & reached(roots, without=(index, branch_index))
                operations = (i for i in sorted(shared) if nodes[i].kind != "symbol" and not nodes[i].scalar)
                outside[index, branch_index] = tuple(operations)
    return outside


def symbols_of(nodes: Sequence[Node]) -> tuple[frozenset[str], ...]:
    """Return the names of the symbols that each node depends on."""
    symbols: list[frozenset[str]] = []
    for node in nodes:
        compared = [side for condition, _ in node.branches if condition is not None for side in condition[1:]]
        chosen = [index for _, index in node.branches]
        own = frozenset({node.name} if node.kind == "symbol" else ())
        symbols.append(own.union(*(symbols[int(index)] for index in (*node.arguments, *chosen, *compared))))
    return tuple(symbols)


def entering_scalars(nodes: Sequence[Node], outputs: Iterable[int]) -> frozenset[int]:
    """Return the scalars that are combined with a tensor directly, not as a factor."""
    entering = set(outputs)
    for node in nodes:
        if node.scalar:
            continue
        entering |= {index for _, index in node.branches}
        if node.kind != "product":
            entering |= set(node.arguments)
        if node.blend is not None:
            entering.add(node.blend.weight)
    return frozenset(index for index in entering if nodes[index].scalar)
