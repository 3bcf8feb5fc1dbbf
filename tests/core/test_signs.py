"""Danger in words nobody has listed: signs that stand near each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.phrases import guessing
from bot.core.signs import ASKED, NEAR, Rule, Rules, Signs, rule
from bot.core.words import Lexicon, normal

SIGNS = Signs(
    {
        "breath": ("breathe", "air"),
        "cannot": ("not", "cant", "stopped", "no"),
        "lips": ("lips", "face"),
        "blue": ("blue", "grey"),
        "seizure": ("seizure", "convuls*", "having a fit"),
        "question": ("what", "why"),
    },
    "en",
    harmless=["seizing"],
)
RULES = Rules({"danger": [rule("breath + cannot"), rule("lips + blue"), rule("seizure - question")]})


def shown(text: str) -> dict[str, range]:
    return RULES.shown(SIGNS.read(normal(text).split(), guessing(Lexicon(SIGNS.words), ["seizing"])))


@pytest.mark.parametrize(
    "text",
    [
        "he stopped breathing", "she cant get any air", "breathing has stopped", "his lips have gone blue", "grey in the face",
        "a seizure", "convulsing", "hes having a fit now", "seizrue!!", "he is not breahting",
    ],
)  # fmt: skip
def test_signs_together_are_danger(text: str) -> None:
    """In whatever order and form, mistyped or not, with words between."""
    assert shown(text).keys() == {"danger"}


@pytest.mark.parametrize(
    "text",
    [
        "breathing exercises", "not today", "blue shoes", "what is a seizure", "why convulsions", "seizing the day", "",
        "he does not like the food here at all but the fresh air is nice",
    ],
)  # fmt: skip
def test_one_sign_alone_is_none(text: str) -> None:
    """Neither is one far away from the other, nor one that a question is about."""
    assert shown(text) == {}


def test_where_it_was_said() -> None:
    """The words of danger are told apart from the rest, which may be a question of its own."""
    assert shown("tell me he has stopped breathing") == {"danger": range(4, 6)}


def test_of_two_rules_the_first_counts() -> None:
    """Which words of danger are told apart from the rest follows from the order of the rules, not from how they are looked for."""
    found = [{"rare", "often"}, {"often"}, {"other"}]
    first, second = rule("often + other"), rule("rare")
    assert Rules({"danger": [first, second, rule("often")]}).shown(found) == {"danger": range(3)}
    assert Rules({"danger": [second, first, rule("often")]}).shown(found) == {"danger": range(1)}


SIGN = st.sampled_from(["a", "b", "c", "d", ASKED])


@given(
    st.dictionaries(
        st.sampled_from(["crisis", "emergency"]), st.lists(st.builds(Rule, st.frozensets(SIGN, min_size=1), st.frozensets(SIGN)))
    ),
    st.lists(st.sets(SIGN), max_size=2 * NEAR),
)
def test_no_rule_is_passed_over(rules: dict[str, list[Rule]], found: list[set[str]]) -> None:
    """Looked for by their rarest signs, the same rules hold as when each is tried alone."""
    alone = {kind: [Rules({kind: [each]}).shown(found) for each in listed] for kind, listed in rules.items()}
    first = {kind: next((held[kind] for held in each if held), None) for kind, each in alone.items()}
    assert Rules(rules).shown(found) == {kind: where for kind, where in first.items() if where is not None}
