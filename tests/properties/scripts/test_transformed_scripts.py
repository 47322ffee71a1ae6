"""Transformed scripts have the same tensors, with the same data and the same events."""

from __future__ import annotations

from stepcheck_properties.scripts.transformed_scripts import only, preceded_by, reversed_and_ungrouped
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


def history(script: Script) -> list[tuple[object, ...]]:
    """Return what happens to each tensor: its data, and the learning rate of each step."""
    group_of = {index: number for number, group in enumerate(script.groups) for index in group.tensors}
    return [
        (
            tensor,
            tuple(script.hyper_at(step)[group_of[index]]["lr"] for step in range(1, len(script.steps) + 1)),
            tuple(step.gradients[index] for step in script.steps),
            tuple(dict(step.overwrite).get(index) for step in script.steps),
        )
        for index, tensor in enumerate(script.tensors)
    ]


def test_a_tensor_has_the_same_history_in_any_order_and_alone() -> None:
    reordered = reversed_and_ungrouped(SCRIPT)
    assert history(reordered) == list(reversed(history(SCRIPT)))
    assert [len(group.tensors) for group in reordered.groups] == [1, 1, 1]
    for index in range(3):
        assert history(only(SCRIPT, (index,))) == [history(SCRIPT)[index]]


def test_a_preceding_tensor_does_not_change_the_history_of_the_others() -> None:
    longer = preceded_by(SCRIPT, Tensor((2,), "bfloat16", number(5.0)), number(6.0))
    assert history(longer)[1:] == history(SCRIPT)
    assert longer.groups[0].tensors == (0, 1, 3)
    assert [step.gradients[0] for step in longer.steps] == [number(6.0)] * 2
