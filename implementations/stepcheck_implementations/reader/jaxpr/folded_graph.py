"""Folded graph: an expression graph in which whole numbers, and comparisons of the step number, are worked out."""

from __future__ import annotations

from stepcheck_implementations.reader.expression_graph import COMPARISONS, ExpressionGraph

MANY_STEPS = 2**30
"""The step number is less: counters stay where they are once they reach the end of their integers."""

_SWAPPED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


class FoldedGraph:
    """An ``ExpressionGraph`` to add to: what a jaxpr says in integers is not in the equations of a step."""

    def __init__(self, graph: ExpressionGraph) -> None:
        self.graph = graph

    def add(self, operator: str, *operands: int) -> int:
        """Return an entry that is (operator, operands...)."""
        if operator in COMPARISONS:
            return self._comparison(operator, *operands)
        if operator == "where":
            return self._where(*operands)
        if operator in ("add", "sub"):
            return self._sum(operator, *operands)
        if operator in ("and", "or"):
            return self._connected(operator, *operands)
        if operator == "not":
            known = self.whole(operands[0])
            return self.graph.add("not", *operands) if known is None else self.graph.number(int(not known))
        return self.graph.add(operator, *operands)

    def whole(self, entry: int) -> int | None:
        """Return the integer that ``entry`` is, None where it is none."""
        operator, *operands = self.graph.entries[entry]
        return int(operands[0]) if operator == "number" and operands[0].lstrip("-").isdigit() else None

    def _steps(self, entry: int) -> int | None:
        """Return the integer that ``entry`` has beyond t, None where it is no such sum."""
        t = self.graph.symbol("t", "t")
        if entry == t:
            return 0
        operator, *operands = self.graph.entries[entry]
        return self.whole(operands[1]) if operator == "add" and operands[0] == t else None

    def counted(self, beyond: int) -> int:
        """Return the entry t + ``beyond``."""
        t = self.graph.symbol("t", "t")
        return self.graph.add("add", t, self.graph.number(beyond)) if beyond else t

    def _sum(self, operator: str, one: int, other: int) -> int:
        sign = 1 if operator == "add" else -1
        left, right = self.whole(one), self.whole(other)
        if left is not None and right is not None:
            return self.graph.number(left + sign * right)
        for first, second, number in ((one, other, right), (other, one, left if sign == 1 else None)):
            steps = self._steps(first)
            if steps is not None and number is not None and second != first:
                return self.counted(steps + sign * number)
        return self.graph.add(operator, one, other)

    def _comparison(self, operator: str, one: int, other: int) -> int:
        for first, second, relation in ((one, other, operator), (other, one, _SWAPPED[operator])):
            number = self.whole(second)
            if number is None:
                continue
            left, steps = self.whole(first), self._steps(first)
            if left is not None:
                return self.graph.number(int(_holds(relation, left, number)))
            if steps is not None:
                if abs(number) >= MANY_STEPS:
                    return self.graph.number(int(_holds(relation, 0, number)))
                return self.graph.add(relation, self.graph.symbol("t", "t"), self.graph.number(number - steps))
        return self.graph.add(operator, one, other)

    def _where(self, condition: int, one: int, other: int) -> int:
        known = self.whole(condition)
        if known is not None or one == other:
            return one if known or one == other else other
        return self.graph.add("where", condition, one, other)

    def _connected(self, operator: str, one: int, other: int) -> int:
        for first, second in ((one, other), (other, one)):
            known = self.whole(first)
            if known is not None:
                absorbing = bool(known) is (operator == "or")
                return self.graph.number(int(bool(known))) if absorbing else second
        return self.graph.add(operator, one, other)


def _holds(relation: str, one: int, other: int) -> bool:
    order = (one > other) - (one < other)
    return order in {"lt": (-1,), "le": (-1, 0), "gt": (1,), "ge": (0, 1), "eq": (0,), "ne": (-1, 1)}[relation]
