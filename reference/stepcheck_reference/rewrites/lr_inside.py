"""The learning rate inside the momentum buffer: b holds steps, each with the rate of its time, and theta loses b."""

from __future__ import annotations

from sympy import Add

from stepcheck_reference.alphabet import b, lr, momentum, theta
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _inside(rule: Rule) -> Step | None:
    b_t = rule.step.get(b)
    if not isinstance(b_t, Add) or momentum * b not in b_t.args or b_t.has(lr) or rule.step[theta] != theta - lr * b_t:
        return None
    stepped = momentum * b + lr * (b_t - momentum * b)
    return {**rule.step, b: stepped, theta: theta - stepped}


LR_INSIDE = Rewrite(
    "lr_inside",
    title="the momentum buffer takes gradients times lr, and is the step",
    source="TensorFlow and Keras RMSprop; optax.rmsprop(momentum=...); timm.optim.RMSpropTF(lr_in_momentum=True)",
    needs="a rule theta - lr*b whose buffer b adds to momentum*b, and without lr",
    change=_inside,
)
