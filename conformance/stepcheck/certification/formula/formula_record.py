"""The record of what the code of a target computes."""

from __future__ import annotations

import msgspec


class Formula(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that a target's code computes, read from a run of it.

    ``rule`` is the one that it was compared with, and ``equal`` whether the two are the same function: for every input
    where it is ``proved``, else at 200 bits in many points. Where they differ, ``reads_as`` names what the code
    computes, "" where no rule here does; ``differences`` say in words how that differs. ``unread`` names what was not
    read, or says why nothing was; then nothing is claimed. ``taken`` says that the request named no rule, so that the
    one which was read is taken. ``held`` are arguments that had to be 0 for that. ``arguments`` maps hyper-parameters
    of the rule to the arguments that the code has for them, ``numbers`` to the numbers that it has instead, and
    ``made`` states of the rule that the code does not keep as such to what they are in its own; ``made_with`` are the
    hyper-parameters in that. Code that cannot be read may be taken for a rule whose steps it takes in ``steps``
    steps; that is why ``rule`` is the claim, and proves nothing.
    """

    rule: str
    equal: bool = False
    proved: bool = False
    reads_as: str = ""
    differences: tuple[str, ...] = ()
    unread: str = ""
    taken: bool = False
    held: tuple[str, ...] = ()
    arguments: dict[str, str] = {}
    numbers: dict[str, float] = {}
    made: dict[str, str] = {}
    made_with: tuple[str, ...] = ()
    steps: int = 0

    @property
    def text(self) -> str:
        """What is known, in a line."""
        if self.unread and self.steps:
            return f"not read: {self.unread}; in {self.steps} steps it did what {self.rule} does; no rule was named"
        if self.unread:
            return f"not read: {self.unread}"
        how = "proved" if self.proved else "equal at 200 bits, not proved"
        off = f" where {', '.join(self.held)} is 0" if self.held else ""
        if self.equal:
            kept = "".join(f"; {state} is {said} in its states, and not compared" for state, said in self.made.items())
            kept += f"; {', '.join(self.made_with)} as constructed, which is in that" if self.made_with else ""
            return f"{self.rule}{off}, read from the code: {how}{'; no rule was named' if self.taken else ''}{kept}"
        parts = "; ".join(self.differences)
        if self.reads_as:
            named = f"not {self.rule}, but {self.reads_as}{off}, read from the code: {how}"
            return f"{named}; {parts}" if parts else named
        none = f"not {self.rule}, nor any other rule here"
        return f"{none}: {parts}" if parts else none
