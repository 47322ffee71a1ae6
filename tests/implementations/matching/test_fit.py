"""Optimizers without an adapter: matched by names, by values, and by the user's mapping."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from stepcheck.certification.undeclared.claims import claim_of
from stepcheck_implementations.adapters import torch_optim
from stepcheck_implementations.adapters.adapter import Cell
from stepcheck_implementations.driver import execution
from stepcheck_implementations.driver.target import TargetError
from stepcheck_implementations.matching import claim as claims
from stepcheck_implementations.matching.fit import Fit, fit_target
from stepcheck_implementations.matching.hyper_matching import NoMatch, match
from stepcheck_reference.rules import ALL, find
from stepcheck_reference.scripts.script import Drawn, Group, Script, Step, Tensor

UNDECLARED = Path(__file__).parents[1] / "subjects" / "undeclared.py"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("undeclared", UNDECLARED)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SUBJECTS = load()


def fit(name: str, rule: str, *, fixed: dict[str, float | bool] | None = None, maps: dict[str, str] | None = None,
        steps: int = 3) -> Fit:  # fmt: skip
    return fit_target(getattr(SUBJECTS, name), f"{UNDECLARED}:{name}", claim_of(rule, find(rule), fixed, maps), steps)


INSIDE: dict[str, float | bool] = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-6}
CASES: list[tuple[str, str, dict[str, float | bool], str, dict[str, str]]] = [
    ("adam_pure", "adam", {}, "tensor", {"m": "m", "v": "v"}),
    ("sgd_in_place", "sgd", {}, "list", {}),
    ("sgd_new", "sgd", {}, "tensor", {}),
    ("momentum_lesson", "momentum", {}, "list", {"b": "states[#]"}),
    ("adam_lesson", "adam", INSIDE, "list", {"m": "states[#][0]", "v": "states[#][1]"}),
    ("rmsprop_course", "rmsprop", {}, "tensor", {"v": "config['cache']"}),
    ("adagrad_one_state", "adagrad", {}, "tensor", {"h": "state[0]"}),
    ("adadelta_by_name", "adadelta", {}, "list", {"v": "states[#]['v']", "x": "states[#]['delta']"}),
    ("nesterov_returning", "nesterov", {}, "tensor", {"b": "b"}),
    ("states_out", "momentum", {}, "list", {"b": "b[#]"}),
    ("momentum_telling", "momentum", {}, "tensor", {"b": "b"}),
    ("make_rmsprop", "rmsprop", {"eps": 1e-6}, "groups", {"v": "square_avg"}),
    ("make_list_adam", "adam", {"beta1": 0.9, "beta2": 0.99, "eps": 1e-6}, "list",
     {"m": ".state[p]['exp_avg']", "v": ".state[p]['exp_avg_sq']"}),
    ("Momentum", "momentum", {}, "tensor", {"b": "store['first']"}),
    ("Adam", "adam", {}, "list", {"m": "memory[#]['avg']", "v": "memory[#]['sq']"}),
    ("ByIdentity", "momentum", {}, "groups", {"b": ".memory[id]"}),
    ("Frozen", "sgd", {}, "list", {}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rule", "fixed", "takes", "states"), CASES, ids=[case[0] for case in CASES])
def test_an_undeclared_target_is_matched_and_follows_its_rule(
    name: str, rule: str, fixed: dict[str, float | bool], takes: str, states: dict[str, str]
) -> None:
    fitted = fit(name, rule, fixed=fixed)
    assert fitted.agrees
    assert fitted.adapter.takes == takes
    assert dict(fitted.adapter.states) == states
    assert {**fitted.adapter.configurations[0].fixed_hyper, **fixed} == fitted.adapter.configurations[0].fixed_hyper
    assert fitted.reads == ""


@pytest.mark.parametrize(("name", "rule", "fixed", "takes", "states"), CASES, ids=[case[0] for case in CASES])
def test_what_the_worker_drives_is_what_was_matched(
    name: str, rule: str, fixed: dict[str, float | bool], takes: str, states: dict[str, str]
) -> None:
    fitted = fit(name, rule, fixed=fixed)
    fixed_hyper = fitted.adapter.configurations[0].fixed_hyper
    hyper = {key: value for key, value in claim_of(rule, find(rule)).hyper.items() if key not in fixed_hyper}
    tensors = (Tensor((3,), "float64", Drawn("normal", 1)), Tensor((2, 2), "float64", Drawn("normal", 2)))
    steps = (
        Step((Drawn("normal", 3), Drawn("normal", 4))),
        Step((None, Drawn("normal", 5))) if name != "Momentum" else Step((Drawn("normal", 7), Drawn("normal", 8))),
        Step((Drawn("normal", 6), None)),
    )
    script = Script(tensors, (Group((0,), hyper), Group((1,), hyper)), steps)
    cell = Cell(fitted.adapter.target, "default", "single", "float64", "cpu", tuple(fixed.items()))
    trajectory = execution.run(fitted.adapter, cell, script)
    assert trajectory.fault is None
    for trace in trajectory.traces:
        assert (trace.theta[0] != trace.before[0]).any()
        for rows in trace.states.values():
            assert rows[-1].any()


def test_a_class_of_torch_is_matched_as_its_own_adapter_says() -> None:
    for adapter in torch_optim.ALL:
        own = adapter.configurations[0]
        rule = "+".join((own.rule or str(adapter.rule), *own.rewrites))
        fitted = fit_target(
            getattr(torch.optim, adapter.target.rpartition(".")[2]), adapter.target, claim_of(rule, find(rule))
        )
        assert fitted.agrees, adapter.target
        for name in find(rule).hyper:
            if str(name) in adapter.hyper:
                assert fitted.adapter.hyper[str(name)] == adapter.hyper[str(name)], adapter.target
        assert dict(fitted.adapter.states) == {
            name: key
            for name, key in adapter.states.items()
            if name in map(str, (*find(rule).init, *find(rule).scalars))
        }, adapter.target


def test_a_wrong_undeclared_target_is_matched_by_its_names_and_does_not_follow_the_rule() -> None:
    fitted = fit("adam_with_wrong_epsilon", "adam")
    assert not fitted.agrees
    assert dict(fitted.adapter.states) == {"m": "m", "v": "v"}
    assert fit("adam_with_wrong_epsilon", "adam_eps_inside").agrees


def test_a_state_that_starts_as_a_hyper_parameter_does() -> None:
    fitted = fit("rprop_stateful", "rprop")
    assert fitted.agrees
    assert dict(fitted.adapter.states) == {"g_prev": "g_prev", "step_size": "step_size"}
    assert "torch.full_like(p, lr)" in fitted.adapter.source


def test_a_learning_rate_that_nothing_shows_is_not_changed_after_construction() -> None:
    assert fit("Frozen", "sgd").adapter.constant_hyper == ("lr",)
    assert fit("Momentum", "momentum").adapter.settings == {"lr": "_r", "momentum": "_g"}
    assert fit("adam_pure", "adam").adapter.constant_hyper == ()


def test_a_counter_counts_only_where_each_tensor_has_its_own() -> None:
    assert fit("Adam", "adam").adapter.count == "memory[#]['n']"
    assert fit("ByIdentity", "momentum").adapter.count is None


def test_a_mapping_of_a_user_comes_before_names() -> None:
    fitted = fit("Adam", "adam", maps={"beta1": "b2", "beta2": "b1"})
    assert (fitted.adapter.hyper["beta1"], fitted.adapter.hyper["beta2"]) == ("b2", "b1")
    assert not fitted.agrees
    by_path = fit("Adam", "adam", maps={"m": "memory[#]['sq']"})
    assert by_path.adapter.states["m"] == "memory[#]['sq']"
    swapped = claim_of("adam", find("adam"), maps={"beta1": "betas[1]", "beta2": "betas[0]"})
    assert fit_target(torch.optim.Adam, "torch.optim.Adam", swapped).adapter.hyper["beta1"] == "betas[1]"
    lr = fit("ManyNames", "sgd", maps={"lr": "pace"})
    assert lr.agrees
    assert (
        fit("never_callable", "momentum", maps={"momentum": "magic"}, steps=0).adapter.hyper["momentum"] == "momentum"
    )


@pytest.mark.parametrize(
    ("name", "maps", "message"),
    [
        ("Adam", {"beta2": "bb2"}, r"map=beta2=bb2, but the arguments are lr, b1, b2, e; did you mean b2"),
        (
            "Adam",
            {"m": "memory[#]['av']"},
            r"map=m=memory\[#\]\['av'\], but it holds .*; did you mean memory\[#\]\['avg'\]",
        ),
    ],
)
def test_a_mapping_to_an_unknown_name_is_refused_with_the_nearest(
    name: str, maps: dict[str, str], message: str
) -> None:
    with pytest.raises(NoMatch, match=message):
        fit(name, "adam", maps=maps)


def test_a_missing_argument_is_named_and_can_be_set() -> None:
    with pytest.raises(
        NoMatch, match=r"nothing in sgd says what ascend, scale should be\. Give its value, as in --set"
    ):
        fit("Flags", "sgd")
    assert fit("Flags", "sgd", fixed={"ascend": False, "scale": 1.0}).agrees
    with pytest.raises(NoMatch, match=r"set=asend, but should be one of lr, ascend, scale; did you mean ascend"):
        fit("Flags", "sgd", fixed={"asend": False})


@pytest.mark.parametrize(
    ("name", "rule", "message"),
    [
        ("make_rmsprop", "rmsprop", r"takes \(params, lr=0.001, smoothing=0.9\), but rmsprop needs eps, .*--set eps="),
        ("adam_lesson", "adam", r"needs beta1, often called betas\[0\], .*; beta2, .*; eps, .*--map beta1=ARGUMENT"),
        ("adam_lesson", "sgd", r"takes \(params, states, hyperparams\), but sgd has no state to give it"),
        ("never_callable", "sgd", r"nothing tells what magic should be"),
        ("always_raises", "sgd", r"no way was found to call it; always_raises\(self\.p, g=self\.p\.grad, "
                                 r"lr=self\.lr\) gave RuntimeError: not this one either"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_matched_is_refused_with_advice(name: str, rule: str, message: str) -> None:
    with pytest.raises(NoMatch, match=message):
        fit(name, rule)


@pytest.mark.parametrize(
    ("target_object", "message"),
    [
        (torch.nn.Linear, r"has no step\(\), but should be an optimizer class or an update function"),
        (torch.optim.SGD([torch.zeros(1)]), r"is a SGD object, .*; name its class, or a function that builds it"),
        (torch, r"is a module"),
        (lambda: None, r"takes \(\), but should take the parameters first"),
    ],
)
def test_a_target_that_is_no_optimizer_is_refused(target_object: Any, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        fit_target(target_object, "it", claim_of("sgd", find("sgd")))


def test_names_alone_do_where_nothing_can_be_tried() -> None:
    fitted = fit("Adam", "adam", steps=0)
    assert (fitted.adapter.takes, dict(fitted.adapter.states), fitted.adapter.settings) == ("list", {}, None)
    assert fit("adam_pure", "adam", steps=0).adapter.source.count("adam_pure(") == 1


def test_alpha_is_a_learning_rate_only_where_nothing_else_claims_it() -> None:
    def slots(rule: str, *names: str) -> dict[str, str]:
        return dict(match(claim_of(rule, find(rule)), names).slots)

    assert slots("adam", "alpha", "beta1", "beta2", "epsilon")["lr"] == "alpha"
    assert slots("rmsprop", "lr", "alpha", "eps")["beta2"] == "alpha"
    assert slots("asgd", "lr", "lambd", "alpha", "t0")["alpha"] == "alpha"
    assert slots("rmsprop", "eta", "rho", "eps") == {"lr": "eta", "beta2": "rho", "eps": "eps"}
    assert slots("momentum", "lr", "mu")["momentum"] == "mu"


def test_the_trace_of_every_rule_is_what_its_equations_say() -> None:
    for rule in ALL:
        claim = claim_of(rule.name, rule)
        trace = claims.rule_trace(claim, claim.hyper)
        needs_more = not claim.equations
        assert needs_more is claim.needs_objective is (rule.name == "nesterov_lookahead")
        if not needs_more:
            assert len(trace.theta) == len(claims.PROBE_GRADIENTS)
            assert set(trace.states) == {str(symbol) for symbol in (*rule.init, *rule.scalars)}
