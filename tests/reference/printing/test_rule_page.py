"""Rules as text: a paper's lines, and everything needed to read them."""

from __future__ import annotations

import re
from functools import cache

import pytest
import sympy

from exam.combinations import VARIANTS
from exam.points import differing_points
from stepcheck_reference import rewrites
from stepcheck_reference.alphabet import (
    ALPHABET,
    QUANTITIES,
    b,
    eps,
    g,
    lr,
    momentum_decay,
    mu_product,
    schedule_base,
    t,
    theta,
)
from stepcheck_reference.domain import NONNEGATIVE
from stepcheck_reference.printing import rule_page
from stepcheck_reference.printing.folding import folded
from stepcheck_reference.rule import Rule
from stepcheck_reference.rules import ALL, FAMILIES, find


@cache
def shown_at_length(rule: Rule) -> str:
    return rule_page.text(rule)


def lines(name: str) -> list[str]:
    """Return the equations of the rule ``name`` as shown."""
    return [line.strip() for line in shown_at_length(find(name)).split("\n\n")[1].splitlines()]


def unfolded(rule: Rule) -> dict[sympy.Symbol, sympy.Expr]:
    """Return each new value with every name replaced by its expression."""
    meaning: dict[sympy.Symbol, sympy.Expr] = {}
    short = folded(rule)
    for name, value in short.lines:
        meaning[name] = value.xreplace(meaning)
    return {old: meaning[name] for name, old in short.heads.items()}


def test_adam_reads_like_the_paper() -> None:
    assert lines("adam") == [
        "m′ = β₁·m + (1 − β₁)·g",
        "v′ = β₂·v + (1 − β₂)·g²",
        "m̂  = m′/(1 − β₁ᵗ)",
        "v̂  = v′/(1 − β₂ᵗ)",
        "θ′ = θ − η·m̂/(√v̂ + ε)",
    ]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("sgd", "θ′ = θ − η·g"),
        ("momentum", "b′ = ⎧ g                 if t = 1"),
        ("momentum", "⎩ μ·b + (1 − τ)·g   otherwise"),
        ("momentum", "θ′ = θ − η·b′"),
        ("momentum_lr_inside", "velocity′ = μ·velocity + η·g"),
        ("momentum_lr_inside", "θ′        = θ − velocity′"),
        ("nesterov", "θ′ = θ − η·(g + μ·b′)"),
        ("adam_eps_hat", "ηₜ = η·√(1 − β₂ᵗ)/(1 − β₁ᵗ)"),
        ("adam_eps_hat", "θ′ = θ − ηₜ·m′/(√v′ + ε)"),
        ("adam_eps_inside", "θ′ = θ − η·m̂/√(v̂ + ε)"),
        ("amsgrad", "v_max′ = max(v_max, v′)"),
        ("amsgrad", "θ′     = θ − η·m̂/(√v̂_max + ε)"),
        ("amsgrad_corrected_max", "v_max′ = max(v_max, v̂)"),
        ("amsgrad_paper", "θ′     = θ − η·m′/(√v_max′ + ε)"),
        ("adamw", "θ′ = (1 − η·λ)·θ − η·m̂/(√v̂ + ε)"),
        ("adam+decoupled_decay_paper", "θ′ = θ − λ·θ − η·m̂/(√v̂ + ε)"),
        ("adam_l2", "g̃  = g + λ·θ"),
        ("adam_l2", "v′ = β₂·v + (1 − β₂)·g̃²"),
        ("adam_l2+maximize", "g̃  = −g + λ·θ"),
        ("sgd+decoupled_decay+maximize", "θ′ = (1 − η·λ)·θ + η·g"),
        ("adam+maximize", "m′ = β₁·m − (1 − β₁)·g"),
        ("lion", "c  = β₁·m + (1 − β₁)·g"),
        ("lion", "θ′ = θ − η·(sign(c) + λ·θ)"),
        ("nesterov_lookahead", "b′ = μ·b + ∇L(θ − η·μ·b)"),
        ("adagrad+lr_decay", "ηₜ = η/(1 + δ·(t − 1))"),
        ("adagrad+lr_decay", "θ′ = θ − ηₜ·g/(√h′ + ε)"),
        ("adagrad_optax", "θ′ = ⎧ θ − η·g/√(h′ + ε)   if h′ > 0"),
        ("adagrad_optax", "⎩ θ                   otherwise"),
        ("adadelta", "Δ  = g·√(x + ε)/√(v′ + ε)"),
        ("adadelta", "x′ = ρ·x + (1 − ρ)·Δ²"),
        ("adadelta", "θ′ = θ − η·Δ"),
        ("adamax", "u′ = max(β₂·u, |g| + ε)"),
        ("nadam", "μₜ   = β₁·(1 − c^(t·ψ)/2)"),
        ("nadam", "μₜ₊₁ = β₁·(1 − c^(ψ·(t + 1))/2)"),
        ("nadam", "P′   = P·μₜ"),
        ("nadam", "d    = √v̂ + ε"),
        ("nadam", "θ′   = θ − η·(1 − μₜ)·g/((1 − P′)·d) − η·μₜ₊₁·m′/((1 − P′·μₜ₊₁)·d)"),
        ("nadam+eps_inside", "d    = √(v̂ + ε)"),
        ("radam", "ρ∞ = 2/(1 − β₂) − 1"),
        ("radam", "ρₜ = ρ∞ − 2·t·β₂ᵗ/(1 − β₂ᵗ)"),
        ("radam", "r  = √(ρ∞·(ρₜ − 2)·(ρₜ − 4)/(ρₜ·(ρ∞ − 2)·(ρ∞ − 4)))"),
        ("radam", "θ′ = ⎧ θ − η·r·√(1 − β₂ᵗ)·m̂/(√v′ + ε)   if ρₜ > 5"),
        ("radam_optax", "θ′ = ⎧ θ − η·r·m̂/(√v̂ + ε)   if ρₜ ≥ 5"),
        ("asgd", "θ′  = (1 − ηₐ·λₐ)·θ − ηₐ·g"),
        ("asgd", "ηₐ′ = η/(1 + t·η·λₐ)^α"),
        ("asgd", "μₐ′ = 1/max(1, t − t₀)"),
        ("rprop", "z       = g·g_prev"),
        ("rprop", "⎨ η⁻   if z < 0"),
        ("rprop", "s′      = min(s_max, max(s_min, s·f))"),
        ("rprop", "⎩ θ − s′·sign(g)   otherwise"),
        ("rprop+maximize", "z       = −g·g_prev"),
        ("rprop+maximize", "⎩ θ + s′·sign(g)   otherwise"),
    ],
)
def test_a_rule_is_shown_with_this_line(name: str, line: str) -> None:
    assert line in lines(name)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_lines_shown_mean_the_equations_of_the_rule(name: str) -> None:
    for rule in VARIANTS[name]:
        meant = unfolded(rule)
        assert list(meant) == list(rule.step)
        assert len(folded(rule).quantities) == len(rule.where), rule.name
        for symbol, equation in rule.step.items():
            assert not differing_points(rule, meant[symbol], equation), (rule.name, symbol)


def test_a_line_that_means_something_else_would_be_seen() -> None:
    rule = find("nadam")
    late = unfolded(rule)[theta].subs(t, t + 1)
    assert differing_points(rule, late, rule.step[theta])
    assert differing_points(rule, rule.where["mu_t"], rule.where["mu_next"])


@pytest.mark.parametrize("name", VARIANTS)
def test_everything_a_reader_needs_is_shown(name: str) -> None:
    for rule in {VARIANTS[name][0], VARIANTS[name][-1]}:
        everything_is_shown(rule)


def everything_is_shown(rule: Rule) -> None:
    shown = shown_at_length(rule)
    assert all(line == line.rstrip() for line in shown.splitlines())
    words = " ".join(shown.split())
    assert shown.startswith(f"{rule.name}\n")
    assert rule.title in words
    assert rule.source in words
    for symbol in rule.hyper:
        assert f"{ALPHABET[symbol].unicode} " in shown
        assert str(rule.domains[symbol]) in words
    for state in (*rule.states, *rule.scalars):
        assert f" {ALPHABET[state].unicode} " in shown
        assert ALPHABET[state].meaning in words
    for quantity in rule.where:
        assert re.search(rf"^ +{re.escape(QUANTITIES[quantity].unicode)} +=", shown, re.MULTILINE), quantity
        assert QUANTITIES[quantity].meaning in words
    if rule.variant_of is not None:
        assert "+".join((rule.variant_of, *rule.rewrites)) in words
    assert max(map(len, shown.splitlines())) <= max(rule_page.WIDTH, *map(len, rule.source.split()))


def test_no_line_of_the_listing_ends_with_a_blank() -> None:
    assert all(line == line.rstrip() for line in rule_page.listing(ALL).splitlines())


def test_related_rules_are_variants_and_the_rest_of_the_family() -> None:
    adam = {rule.name: how for rule, how in rule_page.related(find("adam"))}
    assert adam["adam_eps_hat"] == find("adam_eps_hat").title
    assert adam["adam_eps_inside"] == "adam+eps_inside"
    assert (adam["adamw"], adam["adam_l2"]) == ("adam+decoupled_decay", "adam+coupled_decay")
    for rule in ALL:
        (family,) = (family for family in FAMILIES.values() if rule in family)
        assert {other for other, _ in rule_page.related(rule)} == {*family} - {rule}, rule.name
        for rewrite in (rewrite for rewrite in rewrites.ALL[:4] if rewrite.applies(rule)):
            assert {other for other, _ in rule_page.related(rewrite(rule))} >= {*family} - {rule, rewrite(rule)}
    assert {rule.name: how for rule, how in rule_page.related(find("adamw"))}["adam"] == "what this one is a variant of"


def test_the_listing_has_a_line_for_every_rule_and_rewrite() -> None:
    listed = rule_page.listing(ALL).splitlines()
    for rule in ALL:
        assert sum(line.startswith(f"{rule.name} ") and rule.title in line for line in listed) == 1, (
            f"rule {rule.name!r}: its title does not fit into one line of the listing, {rule_page.WIDTH} columns with "
            "name and state: shorten it"
        )
    for rewrite in rewrites.ALL:
        assert sum(line.startswith(f"{rewrite.name} ") and rewrite.title in line for line in listed) == 1
    assert max(map(len, listed)) <= rule_page.WIDTH


def test_the_listing_groups_families_and_puts_unlisted_rules_last() -> None:
    own = find("adam+maximize")
    head, *families = rule_page.listing((*ALL, own)).split("\n\n")
    assert head.split() == ["rule", "state", "what", "it", "is"]
    assert [len(part.splitlines()) for part in families[: len(FAMILIES)]] == [len(kin) for kin in FAMILIES.values()]
    assert families[len(FAMILIES)].startswith("adam+maximize ")
    assert rule_page.listing((find("sgd"), find("radam"))).split("\n\n")[1:3] == [
        "sgd                    –      Gradient descent: a step against the gradient.",
        "radam                  m, v   RAdam as in torch: rectified once rho passes 5.",
    ]


def test_latex_indexes_old_and_new_values() -> None:
    written = rule_page.latex(find("adam"))
    assert written.startswith("\\begin{align*}\n")
    assert written.endswith("\n\\end{align*}")
    assert r"  m_t &= \beta_1 m_{t-1} + \left(1 - \beta_1\right) g_t \\" in written
    assert r"\theta_t &= \theta_{t-1} - \frac{\eta \hat{m}_t}{\sqrt{\hat{v}_t} + \epsilon}" in written


@pytest.mark.parametrize("name", VARIANTS)
def test_latex_is_ascii_with_braces_that_close(name: str) -> None:
    for rule in {VARIANTS[name][-1]}:
        written = rule_page.latex(rule)
        assert written.isascii()
        assert written.count("{") == written.count("}")
        assert written.count(r"\left") == written.count(r"\right")
        assert written.count(r"\begin") == written.count(r"\end")
        assert written.split("\n\n")[0].count("&=") == len(folded(rule).lines)
        assert " if " not in written.replace(r"\text{if }", "")
        # A letter with two indices, or two powers, is an error of TeX's.
        assert not re.search(r"_(\\?\w+|\{[^{}]*\})_", written), rule.name
        assert not re.search(r"\^(\\?\w+|\{[^{}]*\})\^", written), rule.name


def test_scalar_states_and_constants_are_shown() -> None:
    rule = Rule(
        "scheduled",
        title="A schedule.",
        source="nowhere",
        init={b: eps},
        scalars={mu_product: 1},
        step={
            mu_product: mu_product * schedule_base ** (t * momentum_decay),
            b: b * mu_product + g,
            theta: theta - lr * (b * mu_product + g),
        },
        constants={schedule_base: 0.96},
        domains={lr: NONNEGATIVE, eps: NONNEGATIVE, momentum_decay: NONNEGATIVE},
    )
    words = " ".join(rule_page.text(rule).split())
    assert "P mu_product 1 at first product of the momentum schedule, one number a tensor" in words
    assert "b ε at first" in words
    assert "c schedule_base 0.96 in binary64" in words
    assert "P′ = P·c^(t·ψ)" in words


def test_latex_gives_a_letter_one_index() -> None:
    written = rule_page.latex(find("asgd"))
    assert r"\eta_{a, t} &= \frac{\eta}{\left(1 + t \eta \lambda_a\right)^{\alpha}}" in written
    assert r"\bar\theta_t &= \begin{cases} \theta_t & \text{if } \mu_{a, t-1} = 1" in written
    assert r"\mu_{t+1} &=" in rule_page.latex(find("nadam"))


def test_recommended_values_are_shown() -> None:
    assert "learning rate; 0.001 in the source" in " ".join(rule_page.text(find("adam")).split())
    assert "in the source" not in rule_page.text(find("sgd"))


def test_the_page_shows_the_proved_facts() -> None:
    def proved(name: str) -> list[str]:
        shown = rule_page.text(find(name)).partition("\nproved      ")[2].partition("\n\n")[0]
        return [line.strip() for line in shown.splitlines()]

    assert proved("amsgrad") == [
        "at ε = 0 scaling gradients by c > 0 changes no step",
        "negating parameters and gradients negates the steps",
        "a step does not depend on the values of the parameters",
        "a step is proportional to η",
        "never negative: v, v_max",
        "never decreasing: v_max",
        "zero gradients from the initial state leave the parameters unchanged",
    ]
    assert "zero gradients from the initial state multiply the parameters by 1 − η·λ" in proved("adamw")
    assert "scaling gradients by c > 0 multiplies steps by c" in proved("sgd")
    assert "a step is not proportional to η" in proved("rprop")
    assert "no step is longer than s_max" in proved("rprop")
    assert "a step depends on the values of the parameters" in proved("asgd")
