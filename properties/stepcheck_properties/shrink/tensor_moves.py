"""Moves on tensors: one of them, one element of it, or the smallest shape that still breaks the law."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from stepcheck_properties.scripts.transformed_scripts import only
from stepcheck_properties.shrink.search import Search
from stepcheck_properties.shrink.smaller_scripts import of_element, of_first_elements, retensored
from stepcheck_reference.formats import is_complex

SMALLEST_SHAPES: Mapping[str, tuple[tuple[int, ...], ...]] = {
    "sliced": ((1,), (2,), (3,), (8,), (2, 2)),
    "transposed": ((1, 2), (2, 2), (2, 3), (2, 2, 2)),
    "channels_last": ((1, 2, 1, 2), (1, 2, 2, 2), (2, 2, 2, 2)),
    "flat": ((), (1,), (2,), (2, 2)),
}
"""The smallest shapes that show each layout, tried where a contiguous tensor does not break the law."""

SINGLE_TENSORS = 16
"""Tensors up to which they are dropped and simplified one by one; in more that would take the budget."""


def keep_one_tensor(search: Search) -> None:
    """Keep one tensor, or else drop those that are not needed."""
    count = len(search.script.tensors)
    if count < 2:
        return
    order = sorted(range(count), key=lambda index: (index != search.breach.tensor, index))
    script = search.script
    if search.first(only(script, (index,)) for index in order[:SINGLE_TENSORS]):
        return
    if count > SINGLE_TENSORS:
        _keep_shortest_list(search)
    if len(search.script.tensors) > SINGLE_TENSORS:
        return
    for index in reversed(range(len(search.script.tensors))):
        if len(search.script.tensors) > 1:
            others = tuple(other for other in range(len(search.script.tensors)) if other != index)
            search.attempt(only(search.script, others))


def _keep_shortest_list(search: Search) -> None:
    """Drop as many tensors as possible from the end, then from the start, by bisection."""
    for from_end in (True, False):
        script = search.script
        few, many = 0, len(script.tensors)
        while many - few > 1:
            middle = (few + many) // 2
            kept = range(middle) if from_end else range(len(script.tensors) - middle, len(script.tensors))
            if search.attempt(only(script, tuple(kept))):
                many = middle
            else:
                few = middle


def simplify_memory(search: Search) -> None:
    """Use one thread, and tensors that require gradients and lie in memory as autograd leaves them."""
    if search.script.threads > 1:
        search.attempt(replace(search.script, threads=1))
    tensors = search.script.tensors
    plain = tuple(replace(tensor, gradient_layout="", frozen=False) for tensor in tensors)
    if plain == tensors or search.attempt(replace(search.script, tensors=plain)):
        return
    for which, tensor in list(enumerate(tensors))[:SINGLE_TENSORS]:
        for changes in ({"gradient_layout": ""}, {"frozen": False}):
            simpler = replace(search.script.tensors[which], **changes)
            if simpler != tensor:
                search.attempt(retensored(search.script, which, simpler))


def keep_one_element(search: Search) -> None:
    """Keep the worst element of the tensor that breaks the law, or else as few copies of it as possible."""
    which, deviation = search.breach.tensor, search.breach.deviation
    tensor = search.script.tensors[which]
    width = 2 if is_complex(tensor.dtype) else 1
    if tensor.size == 0 or (tensor.size == width and tensor.layout == "contiguous"):
        return
    element = (deviation.index if deviation is not None else 0) // width
    single = of_element(search.script, which, element, ())
    if search.attempt(single) or search.attempt(of_element(search.script, which, element, (1,))):
        return
    elements = tensor.size // width
    if _keep_fewest(search, which, element, elements):
        return
    script = search.script
    for shape in SMALLEST_SHAPES.get(tensor.layout, ()) or SMALLEST_SHAPES.get(tensor.gradient_layout, ()):
        if search.attempt(of_element(script, which, element, shape, tensor.layout)):
            return
        if math.prod(shape) <= elements and search.attempt(of_first_elements(script, which, shape)):
            return
    if search.attempt(of_element(script, which, element, tensor.shape, tensor.layout)):
        return
    search.attempt(retensored(search.script, which, replace(tensor, layout="contiguous")))


def _keep_fewest(search: Search, which: int, element: int, elements: int) -> bool:
    """Find the least number of copies of one element that break the law, by doubling and then bisection."""
    script = search.script
    few, many = 1, 2
    while many < elements and not search.attempt(of_element(script, which, element, (many,))):
        few, many = many, 2 * many
    if many >= elements and not search.attempt(of_element(script, which, element, (elements,))):
        return False
    many = min(many, elements)
    while many - few > 1:
        middle = (few + many) // 2
        if search.attempt(of_element(script, which, element, (middle,))):
            many = middle
        else:
            few = middle
    return True
