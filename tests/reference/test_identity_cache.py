"""Results are cached by the identity of the key, and only for the most recently used keys."""

from __future__ import annotations

from stepcheck_reference.identity_cache import IdentityCache


def test_equal_objects_are_separate_keys_and_each_is_computed_once() -> None:
    computed: list[list[int]] = []

    def make(key: list[int]) -> int:
        computed.append(key)
        return len(computed)

    cache = IdentityCache(make, most=2)
    first_key, second_key = [1], [1]
    assert [cache(first_key), cache(second_key), cache(first_key), cache(second_key)] == [1, 2, 1, 2]
    assert len(computed) == 2


def test_the_least_recently_used_key_is_evicted() -> None:
    cache = IdentityCache(lambda key: object(), most=2)
    first_key, second_key, third_key = [1], [2], [3]
    first = cache(first_key)
    second = cache(second_key)
    assert cache(first_key) is first
    cache(third_key)
    assert cache(first_key) is first
    assert cache(second_key) is not second


def test_a_new_object_never_gets_the_value_of_a_collected_one() -> None:
    cache = IdentityCache(lambda key: key[0], most=1)
    assert [cache([number]) for number in range(100)] == list(range(100))
