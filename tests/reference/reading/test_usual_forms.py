"""The usual forms of a step are the same function, and there are none where nothing decays."""

from __future__ import annotations

import pytest
from sympy import Eq, Expr, Piecewise, sqrt

from stepcheck_reference.algebra.equality import vanishes
from stepcheck_reference.alphabet import eps, g, lr, m, sign, t, theta, v, weight_decay
from stepcheck_reference.reading.usual_forms import forms_of_decay

STEPS = {
    "within the direction": (theta - lr * (sign(m) + weight_decay * theta), 2),
    "as a factor": (theta * (1 - lr * weight_decay) - lr * m / (sqrt(v) + eps), 2),
    "subtracted": (theta - lr * weight_decay * theta - lr * m, 2),
    "without the rate": (theta * (1 - weight_decay) - lr * m, 1),
    "no decay": (theta - lr * m, 0),
    "of the moved parameter": ((theta - lr * m) * (1 - lr * weight_decay), 0),
}


@pytest.mark.parametrize("how", list(STEPS))
def test_each_form_is_the_same_function(how: str) -> None:
    step, count = STEPS[how]
    forms = forms_of_decay(step)
    assert all(vanishes(form - step) for form in forms)
    assert len(forms) >= count


def test_each_branch_has_its_form() -> None:
    first: Expr = theta - lr * (g + weight_decay * theta)
    step = Piecewise((first, Eq(t, 1)), (theta - lr * (m + weight_decay * theta), True))
    forms = forms_of_decay(step)
    assert len(forms) == 2
    assert all(isinstance(form, Piecewise) for form in forms)
