"""Danger in words nobody has listed: signs that stand near each other."""

import pytest

from bot.core.signs import Signs, rule, shown
from bot.core.words import normal

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
RULES = [rule("breath + cannot"), rule("lips + blue"), rule("seizure - question")]


@pytest.mark.parametrize(
    "text",
    [
        "he stopped breathing", "she cant get any air", "breathing has stopped", "his lips have gone blue", "grey in the face",
        "a seizure", "convulsing", "hes having a fit now", "seizrue!!", "he is not breahting",
    ],
)  # fmt: skip
def test_signs_together_are_danger(text: str) -> None:
    """In whatever order and form, mistyped or not, with words between."""
    assert shown(RULES, SIGNS.read(normal(text).split())) is not None


@pytest.mark.parametrize(
    "text",
    [
        "breathing exercises", "not today", "blue shoes", "what is a seizure", "why convulsions", "seizing the day", "",
        "he does not like the food here at all but the fresh air is nice",
    ],
)  # fmt: skip
def test_one_sign_alone_is_none(text: str) -> None:
    """Neither is one far away from the other, nor one that a question is about."""
    assert shown(RULES, SIGNS.read(normal(text).split())) is None


def test_where_it_was_said() -> None:
    """The words of danger are told apart from the rest, which may be a question of its own."""
    assert shown(RULES, SIGNS.read(["tell", "me", "he", "has", "stopped", "breathing"])) == range(4, 6)
