"""Writing: an operation of an order as a line of text, with the operands that it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from stepcheck_reference.alphabet import ALPHABET
from stepcheck_reference.oracle.envelope.program import Node

if TYPE_CHECKING:
    from stepcheck_reference.oracle.own_order.order import Order

Part = Callable[[int, int], str]
"""Returns an operand as text that holds together as tightly as it is asked to."""

_POWERS = {2: "²", 3: "³"}
_LETTERS = {symbol.name: letter.unicode for symbol, letter in ALPHABET.items()}
_WHOLE, _RUN, _SUM, _PRODUCT, _ATOM = range(5)
"""How tightly a text holds together."""
_LONGEST_SCALAR, _LONGEST = 20, 48
"""Characters of an operand that is written out."""


def written_node(order: Order, index: int) -> str:
    """Return node ``index`` of the order's program in letters; a new state inside it is its letter with a prime."""
    new = {node: f"{_LETTERS[name]}′" for name, node in order.nodes_of.items() if name != "theta" and node != index}
    return _text(order.program.nodes, index, new, _WHOLE)


def _text(nodes: tuple[Node, ...], index: int, new: dict[int, str], least: int) -> str:
    if index in new and nodes[index].kind != "symbol":
        return new[index]
    text, tight = _node(nodes, index, new)
    if len(text) > (_LONGEST_SCALAR if nodes[index].scalar else _LONGEST) and least != _WHOLE:
        return "…"
    return text if tight >= least else f"({text})"


def _node(nodes: tuple[Node, ...], index: int, new: dict[int, str]) -> tuple[str, int]:
    node = nodes[index]

    def part(argument: int, least: int) -> str:
        return _text(nodes, argument, new, least)

    if node.kind == "symbol":
        return _LETTERS.get(node.name, node.name), _ATOM
    if node.kind == "number":
        return f"{float(node.number):g}", _ATOM
    if node.kind == "sum":
        text = part(node.arguments[0], _SUM)
        for argument in node.arguments[1:]:
            negative, plain = (False, part(argument, _PRODUCT)) if argument in new else _signed(nodes, argument, part)
            text += f" {'−' if negative else '+'} {plain}"
        return text, _SUM
    if node.kind == "product":
        negative, plain = _signed(nodes, index, part)
        single = len(node.arguments) == 1 and not negative
        return f"{'−' if negative else ''}{plain}", _ATOM if single and node.exponents[0] > 0 else _PRODUCT
    if node.kind == "root":
        return f"√{part(node.arguments[0], _ATOM)}", _ATOM
    if node.kind == "power":
        return f"{part(node.arguments[0], _ATOM)}^{part(node.arguments[1], _ATOM)}", _ATOM
    if node.kind == "round":
        return part(node.arguments[0], _RUN), _RUN
    if node.kind == "select":
        return part(node.branches[-1][1], _RUN), _RUN
    names = {"maximum": "max", "minimum": "min", "absolute": "abs"}
    inside = ", ".join(part(argument, _RUN) for argument in node.arguments)
    return f"{names.get(node.kind, node.kind)}({inside})", _ATOM


def _signed(nodes: tuple[Node, ...], index: int, part: Part) -> tuple[bool, str]:
    """Return whether a term is negative, and its text without the sign."""
    node = nodes[index]
    if node.kind == "round":
        return _signed(nodes, node.arguments[0], part)
    if node.kind != "product":
        return False, part(index, _PRODUCT)
    above: list[str] = []
    below: list[str] = []
    negative = node.sign < 0
    for argument, exponent in zip(node.arguments, node.exponents, strict=True):
        size = abs(exponent)
        power = "" if size == 1 else _POWERS.get(size, f"^{size}")
        if power or exponent < 0:
            text = f"{part(argument, _ATOM)}{power}"
        else:
            minus, text = _signed(nodes, argument, part)
            negative ^= minus
        (above if exponent > 0 else below).append(text)
    return negative, ("·".join(above) or "1") + "".join(f"/{text}" for text in below)
