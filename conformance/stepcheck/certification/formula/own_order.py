"""The order of operations that the code of a cell has, read where a cell leaves the envelope of its rule."""

from __future__ import annotations

from dataclasses import dataclass

from stepcheck.certification.formula.formula_of import reading_in
from stepcheck.certification.plan import Planned
from stepcheck.certification.runner import Runner
from stepcheck_implementations.adapters.adapter import Adapter
from stepcheck_implementations.adapters.wrappers import OPTAX
from stepcheck_implementations.driver.observing.state_path import last_name
from stepcheck_reference.facts.special_case import fixed
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.identify.comparison import compare_reading
from stepcheck_reference.oracle.arithmetic import Arithmetic, plain
from stepcheck_reference.oracle.own_order.order import Order
from stepcheck_reference.oracle.own_order.variants import NotOrdered, TooNarrow
from stepcheck_reference.reading.expressions import number_of
from stepcheck_reference.reading.from_run import reading_of

NAME = "its own order of operations"
SOURCE = "read from the code"


@dataclass(frozen=True)
class OwnOrder:
    """What was read of a cell's code, for its arithmetic.

    ``equal`` says that it computes the cell's rule, ``differs`` that it does not; neither where it was not read.
    ``narrow`` says that something is held in fewer bits than the tensors have. ``order`` is None where the order of its
    operations has no bound, for the reason ``why``.
    """

    equal: bool = False
    differs: bool = False
    narrow: bool = False
    order: Order | None = None
    why: str = ""

    name = NAME
    says = ""

    def arithmetics(self) -> dict[str, Arithmetic]:
        """Return the arithmetic of every dtype."""
        return {dtype: plain(dtype, name=NAME, source=SOURCE).with_(order=self.order) for dtype in FORMATS}


def own_order(adapter: Adapter, planned: Planned, runner: Runner) -> OwnOrder:
    """Return what the code of ``planned``, which has no declared arithmetic, computes in its configuration and mode."""
    rule = planned.rule
    assert rule is not None
    try:
        data = reading_in(adapter, planned, runner)
        if isinstance(data, str):
            return OwnOrder(why=data)
        reading = reading_of(data, "")
        if not reading.complete:
            return OwnOrder(why=", ".join(reading.opaque))
        numbers = {name: number_of(repr(float(value))) for name, value in planned.fixed_hyper.items()}
        special = fixed(rule, {symbol: numbers[symbol.name] for symbol in rule.hyper if symbol.name in numbers})
        found = compare_reading(reading, special)
        if not found.how and special is not rule:
            found = compare_reading(reading, rule)
    except Exception as error:  # of whatever a subject's equations are made
        return OwnOrder(why=f"comparing its equations ended in {type(error).__name__}")
    if not found.how:
        return OwnOrder(differs=found.tried, why="" if found.tried else "its equations could not be evaluated")
    if adapter.wrapper == OPTAX:
        return OwnOrder(equal=True, why="XLA orders the operations of what JAX compiles")
    letters: dict[tuple[str, str], str] = {}
    for symbol, letter in found.letters.items():
        path = reading.names.get(symbol)
        if path is not None:
            if not _same_place(adapter.states.get(letter), (path, data["states"][path]["at"])):
                return OwnOrder(equal=True, why=f"{letter} is seen in another place than it was read in")
            letters["state", path] = letter
        else:
            slot = reading.slots.get(symbol, symbol.name)
            if adapter.hyper.get(letter, slot) != slot:
                return OwnOrder(differs=True, why=f"{slot} is {letter}")
            letters["hyper", symbol.name] = letter
    formats = {
        path: FORMATS[entry["format"]] for path, entry in data["states"].items() if entry.get("format") in FORMATS
    }
    order = Order(rule, data["entries"], data["paths"], letters, FORMATS[planned.cell.dtype], formats)
    try:
        order.program  # noqa: B018
    except TooNarrow as error:
        return OwnOrder(equal=True, narrow=True, why=str(error))
    except NotOrdered as error:
        return OwnOrder(equal=True, why=str(error))
    return OwnOrder(equal=True, order=order)


def _same_place(seen: str | None, read: tuple[str, str]) -> bool:
    """Whether a state that is observed at ``seen``, if it is, is the one that was read."""
    return seen is None or seen in read or last_name(seen) in map(last_name, read)
