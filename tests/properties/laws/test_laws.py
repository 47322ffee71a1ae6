"""Every law has all its texts, and can be looked up by its code."""

import pytest

from stepcheck_properties import laws
from stepcheck_properties.law import Facts
from stepcheck_reference import rules


def test_every_law_has_the_texts_that_people_need():
    codes = [law.code for law in laws.ALL]
    assert codes == sorted(set(codes))
    for law in laws.ALL:
        assert laws.find(law.code.lower()) is law
        for text in (law.title, law.sentence, law.source, law.since, law.condition, law.mathematics, law.remedy):
            assert text.strip()
        assert law.sentence.endswith(".")
        assert "class " in law.example


def test_an_unknown_law_names_the_nearest():
    with pytest.raises(laws.UnknownLaw, match=r"law='SC10l', but should be one of .*did you mean SC") as raised:
        laws.find("SC10l")
    assert raised.value.nearest in raised.value.allowed


def test_rules_without_state_have_no_law_of_states():
    facts = next(law for law in laws.ALL if law.code == "SC102")
    assert not facts.applies(Facts(rules.find("sgd"), frozenset(), shows_step_count=False))
    assert facts.applies(Facts(rules.find("adam"), frozenset({"m"}), shows_step_count=True))
