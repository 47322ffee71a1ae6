"""What is kept goes by which object it was worked out for, and only the latest are."""

from __future__ import annotations

from stepcheck_reference.identity_cache import IdentityCache


def test_equal_objects_are_worked_out_apart_and_each_once() -> None:
    computed: list[list[int]] = []

    def make(thing: list[int]) -> int:
        computed.append(thing)
        return len(computed)

    kept = IdentityCache(make, most=2)
    one, other = [1], [1]
    assert [kept(one), kept(other), kept(one), kept(other)] == [1, 2, 1, 2]
    assert len(computed) == 2


def test_the_object_asked_for_longest_ago_is_forgotten() -> None:
    kept = IdentityCache(lambda thing: object(), most=2)
    one, other, third = [1], [2], [3]
    first = kept(one)
    second = kept(other)
    assert kept(one) is first
    kept(third)
    assert kept(one) is first
    assert kept(other) is not second


def test_an_object_that_is_gone_does_not_leave_its_value_to_the_next() -> None:
    kept = IdentityCache(lambda thing: thing[0], most=1)
    assert [kept([number]) for number in range(100)] == list(range(100))
