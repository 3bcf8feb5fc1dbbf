"""The names of requests."""

import re

import pytest

from bot.core.reference import reference

_SPOKEN = re.compile(r"OMS-[0-9A-HJKMNP-TV-Z]{4}")


def test_no_two_people_share_a_reference() -> None:
    """Across the first hundred thousand people every name is different, and none can be misread."""
    names = {reference(contact, 1) for contact in range(100_000)}
    assert len(names) == 100_000
    assert all(map(_SPOKEN.fullmatch, names))


def test_every_name_of_four_letters_is_used_once() -> None:
    """The shuffle is a bijection at its upper edge too: the last names of four letters and the first of six differ."""
    edge = range(32**4 - 20_000, 32**4 + 20_000)
    names = {reference(contact, 1) for contact in edge}
    assert len(names) == len(edge)
    assert {len(name) for name in names} == {8, 10}


def test_the_second_request_of_a_person_has_a_number() -> None:
    """A person's later requests are named after the first, so staff see that they belong together."""
    assert reference(7, 2) == f"{reference(7, 1)}-2"


@pytest.mark.parametrize("contact", [0, 1, 2, 500, 99_999])
def test_neighbours_look_unrelated(contact: int) -> None:
    """A reference does not tell how many people have asked: the next one differs in more than its last letter."""
    assert reference(contact, 1)[:-1] != reference(contact + 1, 1)[:-1]


def test_a_name_stays_what_it_is() -> None:
    """References are read out on the phone weeks later: the shuffle must never change."""
    assert [reference(contact, 1) for contact in (1, 2, 7)] == ["OMS-SXR8", "OMS-6309", "OMS-486Q"]
