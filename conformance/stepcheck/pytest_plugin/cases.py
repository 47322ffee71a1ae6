"""``cases``: one test for each law in each cell of an optimizer.

Test files import this, so it imports nothing heavy; the cells are known when pytest collects.
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
    """The arguments of ``cases``; pytest's command line fills in those that are None."""

    target: str | Callable[..., Any]
    rule: str | None = None
    like: str | Callable[..., Any] | None = None
    modes: Sequence[str] = ()
    dtypes: Sequence[str] = ()
    devices: Sequence[str] = ()
    fixed: Mapping[str, float | bool] | None = None
    map: Mapping[str, str] | None = None
    profile: str | None = None
    seed: int | None = None
    strict: bool | None = None
    expected_failures: Mapping[Key, str] | None = None
    select: Sequence[str] | None = None
    ignore: Sequence[str] | None = None


def cases(
    target: str | Callable[..., Any],
    *,
    rule: str | None = None,
    like: str | Callable[..., Any] | None = None,
    modes: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    devices: Sequence[str] = (),
    fixed: Mapping[str, float | bool] | None = None,
    map: Mapping[str, str] | None = None,
    profile: str | None = None,
    seed: int | None = None,
    strict: bool | None = None,
    expected_failures: Mapping[Key, str] | None = None,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] | None = None,
) -> pytest.MarkDecorator:
    """Return a decorator: pytest runs the test function once for each law in each cell of ``target``.

        @stepcheck.cases("package.module:MyAdam", rule="adam")
        def test_my_adam(case):
            case.check()

    ``target``, ``rule``, ``like``, ``modes``, ``dtypes``, ``devices``, ``fixed`` and ``map`` are ``certify``'s: a
    string is imported by worker processes, where it can crash and hang; a class runs in pytest's own process.
    ``profile``, ``seed`` and ``strict`` default to ``--stepcheck-profile`` (or the one that ``--hypothesis-profile``
    implies), ``--stepcheck-seed`` and ``--stepcheck-strict``, ``select`` and ``ignore`` (codes of laws, or beginnings
    of codes) to ``--stepcheck-select`` and ``--stepcheck-ignore``, then to pytest's ``stepcheck_select`` and
    ``stepcheck_ignore``, then to [tool.stepcheck] in pyproject.toml: laws that are left out have no test.
    ``expected_failures`` maps a law's code, or (code, pattern of cell names in test ids), to the reason why the law is
    broken: its tests are expected to fail, and fail once the law holds. A wrong request is a collection error.
    """
    import pytest

    return pytest.mark.stepcheck(
        CasesArguments(
            target,
            rule,
            like,
            modes,
            dtypes,
            devices,
            fixed,
            map,
            profile,
            seed,
            strict,
            expected_failures,
            select,
            ignore,
        )
    )


@dataclass(frozen=True, eq=False)
class Case:
    """One law in one cell, or a cell that is not judged (``code`` is "" then).

    ``name`` is the cell's in the test id. Nothing has run yet: the first case of a cell that is checked has the whole
    cell evaluated, the others read their verdict from its result.
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
        """The test id, as in "AdamW-default-single-float32-cpu-SC101"."""
        return f"{self.name}-{self.code}" if self.code else self.name

    @property
    def evaluated(self) -> bool:
        """Whether the cell has been evaluated."""
        return self.session.is_evaluated(self.number)

    @property
    def result(self) -> CellResult:
        """The whole cell's result."""
        return self.session.result(self.number)

    def outcome(self) -> Outcome:
        """Return the outcome of this case's test."""
        from stepcheck.pytest_plugin.outcome import outcome

        return outcome(
            self.result,
            self.code,
            expected=self.expected,
            strict=self.strict,
            elsewhere=self.session.supports_a_claim,
        )

    def check(self) -> None:
        """Pass where the law holds in the cell; else skip, xfail, or fail with what shows it broken.

        Laws that are not applicable or not run are skipped with the reason. So are vacuous ones, of which nothing is
        claimed; a cell that supports no claim at all warns, and fails where no other cell supports one either. A law
        that only known issues break is an xfail, unless ``strict``.
        """
        __tracebackhide__ = True
        import warnings

        import pytest

        from stepcheck.certification.session import NotEvaluated
        from stepcheck.pytest_plugin.outcome import Ending

        try:
            outcome = self.outcome()
        except NotEvaluated as error:
            pytest.fail(str(error), pytrace=False)
        if outcome.warns:
            warnings.warn(f"{self.name}: {outcome.reason}", stacklevel=2)
        if outcome.ending is Ending.SKIPS:
            pytest.skip(outcome.reason)
        if outcome.ending is Ending.XFAILS:
            pytest.xfail(outcome.reason)  # does nothing with --runxfail
        if outcome.failure:
            pytest.fail(outcome.failure, pytrace=False)


def cell_name(cell: Cell) -> str:
    """Return ``cell`` in a test id, without what -k cannot express: "AdamW-amsgrad+maximize-single-float32-cpu"."""
    target = cell.target.rpartition(":")[2].rpartition(".")[2]
    parts = (target, cell.configuration.replace(",", "+"), cell.mode, cell.dtype, cell.device)
    return "-".join(re.sub(r"[^\w.:+]+", "_", part) for part in parts)
