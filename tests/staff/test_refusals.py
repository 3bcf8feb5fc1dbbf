"""Refusals are said to staff in their language, wherever they act."""

from string import Formatter

import pytest

from bot.staff.actions import ACTIONS
from bot.staff.pages import LANGUAGES, Words
from bot.staff.refusals import SAID, WHYS, Refused, Why, said


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("why", WHYS)
def test_every_refusal_has_its_words(why: Why) -> None:
    """In every language of the console, with the same blanks, which whoever refuses fills in; none is left open."""
    first, *others = (Words(code) for code in LANGUAGES)
    key = f"refused-{why}"
    assert all(blanks(first.texts[key]) == blanks(other.texts[key]) for other in others)
    assert blanks(first.texts[key]) <= blanks(SAID[why])
    refused = Refused(why, **dict.fromkeys(blanks(SAID[why]), "{x}"))
    for words in (first, *others):
        assert said(refused, words).count("{x}") == len(blanks(words.texts[key]))


def test_every_need_has_its_words() -> None:
    """What an action cannot do without can be said to be missing, in every language."""
    needed = {name for action in ACTIONS.values() for name in action.needs}
    for code in LANGUAGES:
        assert not [name for name in needed if f"missing-{name}" not in Words(code).texts]


def test_no_refusal_is_left_over() -> None:
    """Words for refusals that nobody makes any more are gone from every language."""
    for code in LANGUAGES:
        assert {key.removeprefix("refused-") for key in Words(code).texts if key.startswith("refused-")} == set(WHYS)


def test_values_are_said_in_words() -> None:
    """States, actions and who is no person are named in the language too; names of staff stay as they are."""
    refused = Refused("state-by", reference="OMS-1", state="closed", who="Bea", action="claim", was="new")
    assert said(refused, Words("de")) == "OMS-1 ist geschlossen (Bea). „Ich übernehme“ passt dazu nicht."
    assert said(Refused("beaten", reference="OMS-1", who="caller", event="withdrawn"), Words("de")).startswith("Die Person war schneller")
    assert str(refused) == "OMS-1 is closed by Bea: `claim` is for requests that are new"
