"""The learning rate inside the momentum buffer: b holds steps, each with the rate of its time, and theta loses b."""

from __future__ import annotations

from sympy import Add

from stepcheck_reference.alphabet import b, lr, momentum, theta
from stepcheck_reference.rewrites.rewrite import Rewrite, Step
from stepcheck_reference.rule import Rule


def _inside(rule: Rule) -> Step | None:
    b_t = rule.step.get(b)
    if not isinstance(b_t, Add) or momentum * b not in b_t.args or rule.step[theta] != theta - lr * b_t:
        return None
    gathered = (b_t - momentum * b).xreplace({b: b / lr})
    if gathered.has(lr):
        return None
    stepped = momentum * b + lr * gathered
    return {**rule.step, b: stepped, theta: theta - stepped}


LR_INSIDE = Rewrite(
    "lr_inside",
    title="the momentum buffer takes gradients times lr, and is the step",
    source="TensorFlow and Keras RMSprop; optax.rmsprop(momentum=...); timm.optim.RMSpropTF(lr_in_momentum=True)",
    needs="a rule theta - lr*b whose buffer b adds to momentum*b, and where lr only multiplies b",
    change=_inside,
)
