import pytest

from stepcheck_properties import profile
from stepcheck_properties.profile import QUICK


def test_profiles_grow_and_are_found_by_name():
    assert [entry.name for entry in profile.ALL] == ["quick", "standard", "thorough"]
    assert [entry.examples for entry in profile.ALL] == sorted(entry.examples for entry in profile.ALL)
    assert profile.find("quick") is QUICK
    with pytest.raises(ValueError, match="did you mean thorough"):
        profile.find("thorogh")
