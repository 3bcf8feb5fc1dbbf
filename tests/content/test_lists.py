"""How lists of words stand in the content's files: one text with commas or lines, or a list of YAML."""

import pytest

from bot.content_shapes import ExamplesFile, Words


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("jumping eyes, OMS,\n nystagmus", ("jumping eyes", "OMS", "nystagmus")),
        ("عيون، رقص", ("عيون", "رقص")),
        ("one, , two,", ("one", "two")),
        (["a, b", " c ", 112], ("a, b", "c", "112")),
        (112, ("112",)),
        ("", ()),
        ([], ()),
    ],
    ids=["commas", "Arabic commas", "a comma too many", "a list", "a number", "nothing", "an empty list"],
)
def test_words_are_parted_by_commas(written: object, read: tuple[str, ...]) -> None:
    assert Words.model_validate({"title": "t", "keywords": written}).keywords == read


def test_examples_stand_on_lines() -> None:
    """A message may hold any sign, commas and colons among them."""
    found = ExamplesFile.model_validate({"pages": {"eyes": "why, tell me: do they jump?\n\n  OMS?\n"}, "other": "one\ntwo"})
    assert found.pages == {"eyes": ("why, tell me: do they jump?", "OMS?")}
    assert found.other == ("one", "two")


@pytest.mark.parametrize("written", [True, {"a": "b"}, [True], [["a"]], None])
def test_what_is_no_list_of_words_is_refused(written: object) -> None:
    """YAML reads an unquoted yes as true: better refused than searched for."""
    with pytest.raises(ValueError, match="keywords"):
        Words.model_validate({"title": "t", "keywords": written})
