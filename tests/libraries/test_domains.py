"""An adapter may say that a class accepts fewer values of a hyper-parameter than its rule; scripts keep to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import stepcheck
from stepcheck.certification.plan import rule_of
from stepcheck_implementations.adapters import libraries
from stepcheck_implementations.adapters.adapter import Adapter, Configuration
from stepcheck_implementations.adapters.libraries import Library
from stepcheck_implementations.adapters.torch_optim import SGD
from stepcheck_reference import dataclass_codec
from stepcheck_reference.domain import POSITIVE
from stepcheck_reference.oracle.arithmetic import Arithmetic
from stepcheck_reference.rules import find

TARGET = f"{Path(__file__).parent / 'positive_rate.py'}:PositiveRate"
NARROWER = Adapter(
    target=TARGET,
    rule="sgd",
    hyper={"lr": "lr", "weight_decay": "weight_decay"},
    states={},
    modes={"single": {}},
    configurations=(Configuration("default", {}, "sgd", ("coupled_decay",)),),
    count=None,
    declared=True,
    domains={"lr": POSITIVE},
)


def arithmetic_of(mode: str, dtype: str, device: str, target: str) -> Arithmetic:
    """Return how torch.optim.SGD computes, which the class inherits."""
    return libraries.ALL[0].arithmetic_of(mode, dtype, device, SGD.target)


@pytest.mark.usefixtures("shared_fork_server")
@pytest.mark.parametrize("stated", [True, False])
def test_a_class_that_refuses_a_rate_of_0_conforms_where_its_adapter_says_so(
    stated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = NARROWER if stated else replace(NARROWER, domains=None)
    monkeypatch.setattr(libraries, "ALL", (*libraries.ALL, Library("planted", (adapter,), arithmetic_of)))
    certificate = stepcheck.certify(TARGET, dtypes=["float32"], jobs=1)
    broken = [failure for failure in certificate.failures if "Invalid learning rate" in failure.message]
    assert bool(broken) is not stated
    assert certificate.verdict == ("holds" if stated else "broken")


def test_a_domain_is_the_adapter_s_for_the_hyper_parameters_it_names_and_the_rule_s_for_others() -> None:
    rule, narrower = find("sgd+coupled_decay"), rule_of(NARROWER, "sgd+coupled_decay")
    assert {str(symbol): domain.contains(0.0) for symbol, domain in narrower.domains.items()} == {
        "lr": False,
        "weight_decay": True,
    }
    assert narrower is rule_of(NARROWER, "sgd+coupled_decay")
    assert rule_of(SGD, "sgd+coupled_decay") is rule


def test_a_domain_is_written_only_where_there_is_one() -> None:
    assert "domains" not in dataclass_codec.encode(SGD)
    raw = dataclass_codec.encode(NARROWER)
    assert dataclass_codec.decode(Adapter, raw).domains == NARROWER.domains


@pytest.mark.parametrize("adapter", [a for library in libraries.ALL for a in library.adapters], ids=lambda a: a.target)
def test_a_domain_lies_inside_the_domain_of_every_rule_of_its_class(adapter: Adapter) -> None:
    for configuration in adapter.configurations:
        name = configuration.rule or adapter.rule
        domains = {} if name is None else find("+".join((name, *configuration.rewrites))).domains
        for symbol, domain in domains.items():
            narrower = (adapter.domains or {}).get(str(symbol), domain)
            assert narrower.low >= domain.low, f"{adapter.target}: {symbol} may be below what {name} allows"
            assert narrower.high <= domain.high, f"{adapter.target}: {symbol} may be above what {name} allows"
