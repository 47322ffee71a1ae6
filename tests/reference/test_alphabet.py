"""Every symbol once, and how it prints."""

from __future__ import annotations

import sympy

from stepcheck_reference import alphabet
from stepcheck_reference.alphabet import ALPHABET, ROLES, beta2, eps, lr, sqrt, symbol, t, theta, v, weight_decay


def test_every_symbol_of_the_module_is_in_the_alphabet_under_its_own_name() -> None:
    declared = {name: value for name, value in vars(alphabet).items() if isinstance(value, sympy.Symbol)}
    assert {name: symbol(name) for name in declared} == declared
    assert set(declared.values()) == set(ALPHABET)


def test_every_symbol_has_a_role_and_a_print_name_of_its_own() -> None:
    assert {letter.role for letter in ALPHABET.values()} == set(ROLES)
    for form in ("unicode", "latex", "meaning"):
        forms = [getattr(letter, form) for letter in ALPHABET.values()]
        assert all(forms)
        assert len(set(forms)) == len(forms)


def test_greek_is_for_print_only() -> None:
    assert all(letter.name.isascii() and letter.name.isidentifier() for letter in ALPHABET)
    assert [ALPHABET[letter].unicode for letter in (theta, lr, beta2, eps, weight_decay)] == ["θ", "η", "β₂", "ε", "λ"]


def test_states_and_parameters_have_no_sign_and_hyper_parameters_are_not_negative() -> None:
    for letter, meaning in ALPHABET.items():
        assert letter.is_real
        if meaning.role in ("state", "parameter", "gradient"):
            assert letter.is_nonnegative is None
        if meaning.role in ("hyper-parameter", "constant"):
            assert letter.is_nonnegative
    assert t.is_integer
    assert t.is_positive


def test_the_root_of_a_quotient_stays_one_power() -> None:
    root = sqrt(v / (1 - beta2**t))
    assert isinstance(root, sympy.Pow)
    assert root.base == v / (1 - beta2**t)
