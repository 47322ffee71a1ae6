"""The pytest plugin. Every pytest run of everybody who has stepcheck imports this, so it imports nothing heavy.

PYTEST_DONT_REWRITE: there is no assertion here for pytest to rewrite.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stepcheck.pytest_plugin.hypothesis_profiles import PREFIX, PROFILES

if TYPE_CHECKING:
    from stepcheck.guard.pytest_fixture import CheckCache, Guard
    from stepcheck.pytest_plugin.cases import CasesArguments
    from stepcheck.pytest_plugin.session import PytestSession

_SESSION: pytest.StashKey[PytestSession] = pytest.StashKey()
_CHECKS: pytest.StashKey[CheckCache] = pytest.StashKey()
_MARK = "stepcheck(arguments): tests laws in the cells of an optimizer; added by @stepcheck.cases."


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of ``stepcheck certify``."""
    group = parser.getgroup("stepcheck", "stepcheck, which checks optimizer steps")

    def one(name: str, metavar: str, help: str) -> None:
        group.addoption(f"--stepcheck-{name}", metavar=metavar, help=help)

    def several(name: str, metavar: str, help: str) -> None:
        group.addoption(f"--stepcheck-{name}", action="append", default=[], metavar=metavar, help=help)

    one(
        "target",
        "TARGET",
        "certify TARGET with no test file of your own; needs `--pyargs stepcheck`, or "
        "`--pyargs stepcheck.pytest_plugin.test_target` where python_files leaves that out",
    )
    one("as", "RULE", "the rule that TARGET claims to implement, as in adam")
    several("mode", "M", "only these execution paths of TARGET, as in single,foreach")
    several("dtype", "D", "only these dtypes, as in float32,bfloat16")
    several("device", "DEV", "only these devices, as in cpu")
    several("set", "NAME=VALUE", "fix a hyper-parameter of TARGET; may be repeated")
    several("map", "NAME=ARGUMENT", "map a name of the rule to an argument or attribute of TARGET; may be repeated")
    several("select", "CODES", "check only these laws, as in SC1,SC203, where @stepcheck.cases does not say")
    several("ignore", "CODES", "do not check these laws, where @stepcheck.cases does not say")
    parser.addini("stepcheck_select", "check only these laws, as in SC1 SC203 (codes or beginnings)", type="args")
    parser.addini("stepcheck_ignore", "do not check these laws, as in SC201 (codes or beginnings)", type="args")
    one("profile", "P", "quick, standard or thorough, where @stepcheck.cases does not say")
    group.addoption(
        "--stepcheck-seed", type=int, metavar="N", help="the seed where @stepcheck.cases does not say (default: 0)"
    )
    group.addoption(
        "--stepcheck-strict", action="store_true", help="known issues are failures where @stepcheck.cases does not say"
    )


@pytest.hookimpl(tryfirst=True)  # before Hypothesis loads the profile that its option names
def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; register the Hypothesis profiles if one of them is chosen.

    Raises UsageError for an unknown profile, and where nothing would use the target.
    """
    config.addinivalue_line("markers", _MARK)
    if config.getoption("stepcheck_target") and not any("stepcheck" in argument for argument in config.args):
        raise pytest.UsageError("--stepcheck-target needs `--pyargs stepcheck` on the command line, which has the test")
    chosen = _hypothesis_profile(config)
    if chosen.startswith(PREFIX):
        if chosen not in PROFILES:
            from stepcheck_reference.suggest import unknown

            raise pytest.UsageError(unknown("--hypothesis-profile", chosen, PROFILES))
        from stepcheck.pytest_plugin.hypothesis_profiles import register

        register()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the worker processes."""
    pytest_session = config.stash.get(_SESSION, None)
    if pytest_session is not None:
        pytest_session.close()
        del config.stash[_SESSION]


@pytest.fixture
def stepcheck_guard(request: pytest.FixtureRequest) -> Callable[[str | os.PathLike[str]], Guard]:
    """Takes the directory of a baseline that `stepcheck guard record` made; ``.check()`` holds this torch to it.

        def test_torch_does_what_it_did(stepcheck_guard):
            stepcheck_guard("tests/optimizer-baseline").check()

    A relative path starts from pytest's rootdir. A baseline is run once a session, whatever the tests that ask for it.
    """
    from stepcheck.guard.pytest_fixture import CheckCache, Guard

    checks = request.config.stash.setdefault(_CHECKS, CheckCache(request.config.rootpath))
    return lambda baseline: Guard(os.fspath(baseline), checks, request.node)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report how much was compared by cases, and what changed against baselines."""
    reports = [
        report
        for outcome in ("passed", "failed", "skipped", "xfailed", "xpassed")
        for report in terminalreporter.getreports(outcome)
        if any(name.startswith("stepcheck.") for name, _ in getattr(report, "user_properties", ()))
    ]
    if not reports:
        return
    terminalreporter.write_sep("=", "stepcheck")
    cells = [report for report in reports if "stepcheck.cell" in dict(report.user_properties)]
    if cells:
        from stepcheck.pytest_plugin.summary import lines

        for line in lines(cells):
            terminalreporter.write_line(line)
    lines_of_guard = (
        value for report in reports for name, value in report.user_properties if name == "stepcheck.guard"
    )
    for line in dict.fromkeys(lines_of_guard):
        terminalreporter.write_line(line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a function that ``@stepcheck.cases`` decorates its cases."""
    marked = [mark.args[0] for mark in metafunc.definition.iter_markers("stepcheck") if mark.args]
    if marked:
        from stepcheck.pytest_plugin.cases import CasesArguments

        parametrize(metafunc, [entry for entry in marked if isinstance(entry, CasesArguments)])


def parametrize(metafunc: pytest.Metafunc, arguments: Sequence[CasesArguments]) -> None:
    """Run the function once for each law in each cell of ``arguments``; raises CollectError where that cannot be."""
    where = metafunc.definition.name
    if "case" not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(f"{where}() should take the argument `case`, and call `case.check()`")
    from stepcheck.cli.usage_errors import is_refusal
    from stepcheck.pytest_plugin.session import PytestSession

    config = metafunc.config
    pytest_session = config.stash.setdefault(_SESSION, PytestSession())
    try:
        cases = [case for entry in arguments for case in pytest_session.cases(_completed(entry, config))]
    except Exception as error:
        if not is_refusal(error):
            raise
        raise pytest.Collector.CollectError(f"{where}: {error}") from error
    metafunc.parametrize("case", cases, ids=[case.id for case in cases])
    if not config.pluginmanager.has_plugin("stepcheck.pytest_plugin.summary"):
        from stepcheck.pytest_plugin import summary

        config.pluginmanager.register(summary, "stepcheck.pytest_plugin.summary")


def target_arguments(config: pytest.Config) -> CasesArguments:
    """Return what ``--stepcheck-target`` and its options say; raises CollectError where they say nothing usable."""
    from stepcheck.certification.request import listed, mappings, settings
    from stepcheck.cli.usage_errors import is_refusal
    from stepcheck.pytest_plugin.cases import CasesArguments

    target = config.getoption("stepcheck_target", None)
    if not target:
        raise pytest.Collector.CollectError(
            "say what to certify: pytest --stepcheck-target TARGET --pyargs stepcheck\n"
            "where TARGET is torch.optim.AdamW, package.module:Name (with --stepcheck-as RULE) or path/file.py:Name"
        )
    try:
        return CasesArguments(
            target=target,
            rule=config.getoption("stepcheck_as"),
            modes=listed(config.getoption("stepcheck_mode")),
            dtypes=listed(config.getoption("stepcheck_dtype")),
            devices=listed(config.getoption("stepcheck_device")),
            fixed=settings(config.getoption("stepcheck_set")),
            map=mappings(config.getoption("stepcheck_map")),
        )
    except Exception as error:
        if not is_refusal(error):
            raise
        raise pytest.Collector.CollectError(str(error)) from error


def _completed(arguments: CasesArguments, config: pytest.Config) -> CasesArguments:
    """Return ``arguments`` with what the command line says where they are None."""
    profile = config.getoption("stepcheck_profile") or PROFILES.get(_hypothesis_profile(config), "quick")
    return replace(
        arguments,
        profile=arguments.profile if arguments.profile is not None else profile,
        seed=arguments.seed if arguments.seed is not None else config.getoption("stepcheck_seed"),
        strict=arguments.strict if arguments.strict is not None else config.getoption("stepcheck_strict"),
        select=arguments.select if arguments.select is not None else _codes(config, "select"),
        ignore=arguments.ignore if arguments.ignore is not None else _codes(config, "ignore"),
    )


def _codes(config: pytest.Config, name: str) -> Sequence[str]:
    """Return the codes of laws that the command line gives as ``name``, else pytest's own configuration.

    Where neither says, the nearest pyproject.toml with [tool.stepcheck] does, from pytest's rootdir on.
    """
    given = config.getoption(f"stepcheck_{name}") or config.getini(f"stepcheck_{name}")
    if given:
        return tuple(given)
    from stepcheck.certification.chosen_laws.project_settings import project_settings

    return tuple(getattr(project_settings(config.rootpath), name))


def _hypothesis_profile(config: pytest.Config) -> str:
    """Return the name that Hypothesis' own option gives, "" where there is none or no Hypothesis."""
    return str(config.getoption("--hypothesis-profile", None) or "")
