"""Adapters of other libraries, as data: they need none of the libraries installed."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from stepcheck.certification.plan import plan
from stepcheck.certification.request import Request
from stepcheck.known_issues import ALL
from stepcheck.known_issues.known_issue import KnownIssue, installed
from stepcheck_implementations.adapters import libraries, optax
from stepcheck_implementations.adapters.adapter import Adapter, Cell, Configuration
from stepcheck_implementations.driver.target import EXTRAS, TargetError, load
from stepcheck_reference.formats import FORMATS
from stepcheck_reference.rules import find
from stepcheck_reference.verdict import Verdict

OTHERS = [
    pytest.param(library, adapter, id=adapter.target)
    for library in libraries.ALL
    if library.name != "torch.optim"
    for adapter in library.adapters
]


@pytest.mark.parametrize(("library", "adapter"), OTHERS)
def test_every_configuration_names_a_rule_whose_parts_the_adapter_maps(
    library: libraries.Library, adapter: Adapter
) -> None:
    for configuration in adapter.configurations:
        name = configuration.rule or adapter.rule
        if name is None:  # such a configuration is recorded by guard and not checked
            continue
        rule = find("+".join((name, *configuration.rewrites)))
        hyper_names = {*adapter.hyper, *configuration.fixed_hyper}
        assert {str(symbol) for symbol in rule.hyper} <= hyper_names, configuration.name
        assert {str(symbol) for symbol in (*rule.states, *rule.scalars)} <= adapter.states.keys(), configuration.name


@pytest.mark.parametrize(("library", "adapter"), OTHERS)
def test_every_mode_declares_its_arithmetic_with_a_source(library: libraries.Library, adapter: Adapter) -> None:
    for mode in adapter.modes:
        for dtype in FORMATS:
            arithmetic = library.arithmetic_of(mode, dtype, "cpu", adapter.target)
            assert arithmetic.storage is FORMATS[dtype]
            assert len(arithmetic.source) > 40


@pytest.mark.parametrize(("library", "adapter"), OTHERS)
def test_a_library_that_is_not_installed_says_what_to_install(
    library: libraries.Library, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = adapter.target.partition(".")[0]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TargetError, match=rf"no module named {module}, .*'stepcheck\[{EXTRAS[module]}\]'"):
        load(adapter.target)


def test_a_configuration_without_a_rule_is_planned_and_not_checked() -> None:
    adapter = replace(optax.SGD, rule=None, configurations=(Configuration("plain"), *optax.SGD.configurations))
    test_every_configuration_names_a_rule_whose_parts_the_adapter_maps(libraries.ALL[1], adapter)
    rows = [{"mode": "single", "dtype": "float32", "device": "cpu", "reason": ""}]
    first, *others = plan(Request(adapter.target, modes=("single",), dtypes=("float32",)), adapter, rows, ["cpu"])
    assert (first.rule, first.verdict, first.reason) == (None, Verdict.NOT_APPLICABLE, "no rule is declared for it")
    assert all(entry.rule is not None for entry in others)


def test_a_report_lists_the_modes_that_a_library_has() -> None:
    rows = {library.name: libraries.library_modes(library.adapters[0]) for library in libraries.ALL}
    assert rows["optax"] == rows["torchao.optim"] == ("single", "compiled")
    assert rows["pytorch_optimizer"] == rows["timm.optim"] == ("single", "foreach")
    assert len(rows["torch.optim"]) == 6
    undeclared = Adapter("a.B", "adam", {}, {}, {"single": {}, "fused": {}})
    assert libraries.library_modes(undeclared) == ("single", "fused")


def test_a_known_issue_of_a_library_is_keyed_by_its_own_release(monkeypatch: pytest.MonkeyPatch) -> None:
    issue = next(entry for entry in ALL if entry.name == "pytorch-optimizer-group-step")
    cell = Cell("pytorch_optimizer.AdaMax", "default", "single", "float32", "cpu")

    def applies(release: str, **changes: object) -> bool:
        monkeypatch.setattr("stepcheck.known_issues.known_issue.installed", lambda distribution: release)
        changed: KnownIssue = replace(issue, **changes)  # type: ignore[arg-type]
        return changed.matches(cell, "2.13.0")

    assert applies("4.1.0")
    assert not applies("2.6.0")
    assert not applies("4.1.0", releases=("", "4.1"))
    assert installed("a-distribution-that-nobody-has") == ""


def test_a_report_tells_the_releases_of_the_library() -> None:
    assert libraries.distributions("optax.adam") == libraries.distributions("optax") == ("optax", "jax", "jaxlib")
    assert libraries.distributions("torch.optim.Adam") == libraries.distributions("a.B") == ()


def test_optax_is_judged_on_the_cpu_alone() -> None:
    from stepcheck_implementations.matching import inspection

    assert "CPU only" in inspection.refusal(optax.ADAM, "single", "float32", "cuda:0")
