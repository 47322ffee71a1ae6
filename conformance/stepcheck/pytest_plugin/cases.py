"""``cases``: one test a law in each cell of an optimizer; a module named like the function would hide it.

A file of tests imports this, so it imports nothing heavy; cells are known when pytest collects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

    from stepcheck.certification.certificate import CellResult
    from stepcheck.certification.session import EvaluationSession
    from stepcheck.pytest_plugin.expected_failures import Key
    from stepcheck.pytest_plugin.outcome import Outcome
    from stepcheck_implementations.adapters.adapter import Cell


@dataclass(frozen=True, eq=False)
class CasesArguments:
    """The arguments of ``cases``, as they were given; None is for pytest's command line to say."""

    target: str | Callable[..., Any]
    rule: str | None = None
    modes: Sequence[str] = ()
    dtypes: Sequence[str] = ()
    devices: Sequence[str] = ()
    fixed: Mapping[str, float | bool] | None = None
    map: Mapping[str, str] | None = None
    profile: str | None = None
    seed: int | None = None
    strict: bool | None = None
    expected_failures: Mapping[Key, str] | None = None


def cases(
    target: str | Callable[..., Any],
    *,
    rule: str | None = None,
    modes: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    fixed: Mapping[str, float | bool] | None = None,
    map: Mapping[str, str] | None = None,
    profile: str | None = None,
    seed: int | None = None,
    strict: bool | None = None,
    expected_failures: Mapping[Key, str] | None = None,
) -> pytest.MarkDecorator:
    """Return a decorator: pytest runs the test function once for each law in each cell of ``target``.

        @stepcheck.cases("package.module:MyAdam", rule="adam")
        def test_my_adam(case):
            case.check()

    ``target``, ``rule``, ``modes``, ``dtypes``, ``devices``, ``fixed`` and ``map`` are ``certify``'s: a string is
    imported by worker processes, where it can crash and hang; a class runs in pytest's own. ``profile``, ``seed``
    and ``strict`` default to ``--stepcheck-profile`` (or the one that goes with ``--hypothesis-profile``),
    ``--stepcheck-seed`` and ``--stepcheck-strict``. ``expected_failures`` maps a law's code, or (code, pattern of
    cells as they stand in the tests' ids), to the reason why it is broken: its tests are expected to fail, and fail
    once the law holds. What cannot be asked is an error when pytest collects.
    """
    import pytest

    return pytest.mark.stepcheck(
        CasesArguments(target, rule, modes, dtypes, devices, fixed, map, profile, seed, strict, expected_failures)
    )


@dataclass(frozen=True, eq=False)
class Case:
    """One law in one cell, or a cell that is not judged (``code`` is "" then).

    ``name`` is the cell's in the test's id. Nothing has run yet: the first case of a cell that is checked has the
    whole cell examined, the others read their verdict from that.
    """

    cell: Cell
    code: str
    name: str
    number: int = field(repr=False)
    session: EvaluationSession = field(repr=False)
    expected: str = ""
    strict: bool = False

    @property
    def id(self) -> str:
        """The test's id, as in "AdamW-default-single-float32-cpu-SC101"."""
        return f"{self.name}-{self.code}" if self.code else self.name

    @property
    def examined(self) -> bool:
        """Whether the cell has been examined, or is not to be."""
        return self.session.is_evaluated(self.number)

    @property
    def result(self) -> CellResult:
        """The whole cell's result."""
        return self.session.result(self.number)

    def outcome(self) -> Outcome:
        """Return how this case's test ends."""
        from stepcheck.pytest_plugin.outcome import outcome

        return outcome(
            self.result,
            self.code,
            expected=self.expected,
            strict=self.strict,
            elsewhere=self.session.supports_a_claim,
        )

    def check(self) -> None:
        """Pass where the law holds in the cell; else skip, expect to fail, or fail with what shows it broken.

        Not applicable and not run are skipped with the reason. So is what is vacuous, of which nothing is claimed; a
        cell that supports no claim at all warns, and fails where no other cell does either. Broken by a known finding
        is an expected failure, unless ``strict``.
        """
        __tracebackhide__ = True
        import warnings

        import pytest

        from stepcheck.pytest_plugin.outcome import Ends

        found = self.outcome()
        if found.warns:
            warnings.warn(f"{self.name}: {found.why}", stacklevel=2)
        if found.ends is Ends.SKIPS:
            pytest.skip(found.why)
        if found.ends is Ends.XFAILS:
            pytest.xfail(found.why)  # does nothing with --runxfail
        if found.told:
            pytest.fail(found.told, pytrace=False)


def named(cell: Cell) -> str:
    """Return ``cell`` in a test's id, without what -k cannot say: "AdamW-amsgrad+maximize-single-float32-cpu"."""
    target = cell.target.rpartition(":")[2].rpartition(".")[2]
    parts = (target, cell.configuration.replace(",", "+"), cell.mode, cell.dtype, cell.device)
    return "-".join(re.sub(r"[^\w.:+]+", "_", part) for part in parts)
