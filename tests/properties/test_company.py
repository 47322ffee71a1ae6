"""Company: scripts that are arranged anew hold the same tensors, with the same data and the same events."""

from __future__ import annotations

from stepcheck_properties.scripts.rearranged import apart_and_reversed, led_by, only
from stepcheck_reference.scripts.script import Group, Literal, Script, Step, Tensor


def number(value: float) -> Literal:
    return Literal((value,))


SCRIPT = Script(
    tuple(Tensor((1,), "float32", number(index)) for index in range(3)),
    (Group((0, 2), {"lr": 1.0}), Group((1,), {"lr": 2.0})),
    (
        Step((number(10.0), None, number(12.0))),
        Step((None, number(11.0), None), hyper=((0, "lr", 0.5),), overwrite=((2, number(7.0)),)),
    ),
)


def told(script: Script) -> list[tuple[object, ...]]:
    """Return what happens to each tensor: its data, and the rate in force at each step."""
    group_of = {index: place for place, group in enumerate(script.groups) for index in group.tensors}
    return [
        (
            tensor,
            tuple(script.hyper_at(step)[group_of[index]]["lr"] for step in range(1, len(script.steps) + 1)),
            tuple(step.gradients[index] for step in script.steps),
            tuple(dict(step.overwrite).get(index) for step in script.steps),
        )
        for index, tensor in enumerate(script.tensors)
    ]


def test_every_tensor_is_told_the_same_in_any_order_and_by_itself() -> None:
    turned = apart_and_reversed(SCRIPT)
    assert told(turned) == list(reversed(told(SCRIPT)))
    assert [len(group.tensors) for group in turned.groups] == [1, 1, 1]
    for index in range(3):
        assert told(only(SCRIPT, (index,))) == [told(SCRIPT)[index]]


def test_a_leader_stands_in_front_and_changes_nothing_of_the_others() -> None:
    led = led_by(SCRIPT, Tensor((2,), "bfloat16", number(5.0)), number(6.0))
    assert told(led)[1:] == told(SCRIPT)
    assert led.groups[0].tensors == (0, 1, 3)
    assert [step.gradients[0] for step in led.steps] == [number(6.0)] * 2
