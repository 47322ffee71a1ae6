"""The order in which code computes a rule: further forms of its equations, none of whose operations is rearranged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from stepcheck_reference.formats import Format
from stepcheck_reference.oracle.envelope.compiler import program_of
from stepcheck_reference.oracle.envelope.program import (
    Program,
    decisive_nodes,
    entering_scalars,
    shared_operations,
    symbols_of,
)
from stepcheck_reference.oracle.own_order.nodes import OrderBuilder
from stepcheck_reference.oracle.own_order.variants import variants
from stepcheck_reference.rule import Rule


@dataclass(frozen=True, eq=False)
class Order:
    """What code computes of ``rule`` in a step, operation by operation, on tensors of format ``storage``.

    ``entries`` is the table that a reader wrote (see ``reader.answer``), ``paths`` the ways through the code, and
    ``letters`` gives the rule's symbol for each ("hyper", name) and ("state", path) of the table, and ``formats`` the
    format that a state is kept in, by its path. ``program`` raises
    NotOrdered where an operation has no bound or the paths differ in a way that nothing tells, and where something is
    held in fewer bits than it may be.
    """

    rule: Rule
    entries: Sequence[Sequence[Any]]
    paths: Sequence[Mapping[str, Any]]
    letters: Mapping[tuple[str, str], str]
    storage: Format
    formats: Mapping[str, Format] = field(default_factory=dict)

    @cached_property
    def program(self) -> Program:
        """The rule's program, with the code's own operations as a form of every new value."""
        return self._compiled[0]

    @cached_property
    def nodes_of(self) -> Mapping[str, int]:
        """The node of the code's own form of every new value."""
        return self._compiled[1]

    @cached_property
    def _compiled(self) -> tuple[Program, dict[str, int]]:
        plain = program_of(self.rule)
        builder = OrderBuilder(plain.nodes, self.entries, self.letters, self.storage)
        states = {letter: path for (kind, path), letter in self.letters.items() if kind == "state"}
        found = {}
        for output in (*plain.scalar_outputs, *(name for name in plain.outputs if name != "theta"), "theta"):
            if output == "theta" or output in states:
                chosen = variants(self.entries, self.paths, states.get(output))
                found[output] = builder.chosen(chosen)
                if (kept := self.formats.get(states.get(output, ""))) is not None:
                    builder.check_kept(found[output], kept, output)
        builder.check()
        own = {output: index for output, index in found.items() if output not in plain.scalar_outputs}
        forms = {**plain.forms, **{output: (*plain.forms.get(output, ()), index) for output, index in own.items()}}
        scalar_outputs = {name: found.get(name, index) for name, index in plain.scalar_outputs.items()}
        nodes = tuple(builder.nodes)
        results = (*plain.outputs.values(), *(index for every in forms.values() for index in every))
        return replace(
            plain,
            nodes=nodes,
            scalar_outputs=scalar_outputs,
            forms=forms,
            decisive=decisive_nodes(nodes),
            outside=shared_operations(nodes, results),
            symbols=symbols_of(nodes),
            entering=entering_scalars(nodes, results),
        ), found
