"""Profiles: the budget of one cell, in counts of scripts, steps and runs.

Counts and not seconds: with a time limit a verdict would depend on the machine and its load, and the same seed would
not give the same certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from stepcheck_reference.formats import FORMATS
from stepcheck_reference.suggest import did_you_mean

COUNTED, PAST_THE_LAST_COUNT = 1000, 300
"""A run as long as this looks for counts that stop; steps that it takes after the last integer that a format counts."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The budget of one cell.

    ``examples`` counts drawn scripts and ``max_steps`` bounds their length. ``long_steps`` maps a dtype to the number
    of steps in the edge case of many steps; the edge case of many elements has about ``bulk_elements`` elements and
    ``bulk_steps`` steps. The edge cases of kernels' limits have a tensor of ``largest_tensor`` elements and a group of
    ``most_tensors`` tensors. The edge case of a long run takes ``longest_run`` steps, or what
    ``long_run`` says of a dtype, in the plain mode alone: ``in_plain_mode`` says whether it is this one. ``reductions``
    bounds the runs spent on shrinking one failure.

    With ``one_dtype``, laws that are ``format_independent`` and edge cases that are about calls and memory are checked
    in one dtype of each configuration and mode, and ``in_this_dtype`` says whether it is this one; those of limits and
    of a long run in one configuration of it, and ``in_first_configuration`` says whether it is this one. In a cell that
    is neither, the edge case of many steps takes ``few_steps``; in another dtype at most one script is drawn.
    """

    name: str
    examples: int
    max_steps: int
    bulk_elements: int
    bulk_steps: int
    reductions: int
    long_steps: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(FORMATS, 300)), hash=False
    )
    largest_tensor: int = 65_537
    most_tensors: int = 130
    one_dtype: bool = False
    in_this_dtype: bool = True
    longest_run: int = 1100
    in_plain_mode: bool = True
    in_first_configuration: bool = True
    few_steps: int = 24

    def long_run(self, dtype: str) -> int:
        """Return the number of steps of a long run in ``dtype``: beyond 2048 in float16, where 2048 + 1 is 2048."""
        return self.longest_run if dtype != "float16" or self.longest_run < COUNTED else 2**11 + PAST_THE_LAST_COUNT

    @property
    def tries_limits(self) -> bool:
        """Whether the largest sizes and the longest run are tried in this cell."""
        return self.in_this_dtype and self.in_first_configuration

    def many_steps(self, dtype: str) -> int:
        """Return the number of steps of the edge case of many steps in ``dtype``."""
        here = self.in_this_dtype or self.in_first_configuration
        return self.long_steps[dtype] if here else min(self.few_steps, self.long_steps[dtype])

    def __post_init__(self) -> None:
        for what, least in (("examples", 0), ("max_steps", 1), ("bulk_elements", 16), ("bulk_steps", 2)):
            if getattr(self, what) < least:
                raise ValueError(f"{what}={getattr(self, what)}, but should be at least {least}")


QUICK = Profile(
    "quick",
    examples=3,
    max_steps=6,
    bulk_elements=2900,
    bulk_steps=8,
    reductions=120,
    long_steps=MappingProxyType({**dict.fromkeys(FORMATS, 60), "bfloat16": 300}),
    one_dtype=True,
    longest_run=1030,
)
STANDARD = Profile("standard", examples=40, max_steps=30, bulk_elements=16_000, bulk_steps=10, reductions=150)
THOROUGH = Profile("thorough", examples=400, max_steps=300, bulk_elements=32_000, bulk_steps=20, reductions=300)

ALL = (QUICK, STANDARD, THOROUGH)

COMPILED = {"examples": 2, "reductions": 12, "most_tensors": 12}
"""Bounds for compiled mode, in which every script is compiled anew, for seconds: edge cases and few other runs."""


def compiled(profile: Profile) -> Profile:
    """Return ``profile`` within the bounds for compiled cells."""
    return replace(profile, **{name: min(getattr(profile, name), bound) for name, bound in COMPILED.items()})


def find(name: str) -> Profile:
    """Return the profile called ``name``; raises ValueError with the allowed names and the nearest one."""
    for profile in ALL:
        if profile.name == name:
            return profile
    allowed = [profile.name for profile in ALL]
    raise ValueError(f"profile={name!r}, but should be one of {', '.join(allowed)}{did_you_mean(name, allowed)}")
