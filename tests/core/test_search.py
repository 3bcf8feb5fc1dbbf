"""Finding things in what people type: normal form, phrases of danger with typing errors, and the pages that fit."""

import itertools
from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.languages import written
from bot.core.library import Content
from bot.core.phrases import Mention, Phrases, Runs, exactly, guessing
from bot.core.search import Entry, build, find
from bot.core.words import MAX_QUERY, Lexicon, normal


def mention(phrases: list[str], text: str, harmless: tuple[str, ...] = ()) -> Mention | None:
    """What of these phrases `text` mentions."""
    wanted = Phrases({"word": phrases})
    return wanted.mentioned(text, guessing(Lexicon(wanted.words), harmless)).get("word")


INDEX = build(
    "en",
    [
        Entry("eyes", ("Eye movements", "opsoclonus", "dancing eyes")),
        Entry("sleep", ("Sleep", "insomnia", "sleep problems")),
        Entry("rituximab", ("Rituximab", "b cells")),
        Entry("steroids", ("Steroids", "prednisolone", "side effects")),
        Entry("symptoms", ("Symptoms", "side effects")),
    ],
    noise=["what", "is", "the", "a", "about", "and"],
)


def heard(content: Content, text: str) -> Collection[str]:
    """What is heard in `text` from somebody who speaks English, or another of our languages when that is clear."""
    mentions = content.alarms.heard(normal(text), {"en", content.speech.of(written(text), "en")}, asked="?" in text)
    return {kind for kind, mention in mentions.items() if mention.surely}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("Müller", "mueller"),
        ("École", "ecole"),
        ("Ёлка", "елка"),
        ("أُمّ", "ام"),
        ("إلى", "الي"),
        ("مدرســة", "مدرسه"),
        ("can’t", "cant"),
        ("heeeelp", "help"),
        ("١٢٣ ۴", "123 4"),
        ("ﬁt", "FIT"),
        (" MRI?!\n(again) ", "mri again"),
        ("ＯＭＳ", "oms"),
        ("e-mail", "e mail"),
    ],
)
def test_normal_form_ignores_how_something_is_written(one: str, other: str) -> None:
    """Case, marks, spelling variants and punctuation of four scripts make no difference."""
    assert normal(one) == normal(other)


@pytest.mark.parametrize(("one", "other"), [("cell", "cel"), ("1122", "12"), ("рак", "рок"), ("11111", "1"), ("sleep", "slep")])
def test_normal_form_keeps_what_differs(one: str, other: str) -> None:
    """Double letters and repeated digits mean something."""
    assert normal(one) != normal(other)


@pytest.mark.parametrize("text", ["", "...", "😀😀", "\u200b", "---", "🇩🇪"])
def test_nothing_to_compare(text: str) -> None:
    """Signs alone are no words, and no phrase is mentioned in nothing."""
    assert normal(text) == ""
    assert mention(["seizure"], normal(text)) is None


def test_only_the_beginning_of_a_novel_is_read() -> None:
    """A text of any length costs the same."""
    assert len(normal("word " * 100_000)) <= MAX_QUERY


@pytest.mark.parametrize(
    "text",
    [
        "he has a seizure", "SEIZURE!!!", "seizzure", "siezure", "seizur", "emergancy", "ambulanse please", "convultions", "unconcious",
        "he can't breathe", "he cant breathe", "he can’t breath", "lips are blue", "112", "call 112!", "overdoze", "she is chocking",
        "seizures", "a fit: he has a fit", "very drowsy",
    ],
)  # fmt: skip
def test_danger_is_heard_with_typing_errors(text: str, content: Content) -> None:
    """A frightened person's spelling hides nothing; short words and numbers must be right."""
    assert "emergency" in heard(content, text)


@pytest.mark.parametrize(
    "text",
    [
        "relapse", "what is a relapse", "he relapsed in May", "1123", "fever", "fever 38", "born 1999", "swallow", "blue eyes",
        "my daughter loves painting", "is oms responsive to steroids", "is she conscious during the scan", "breathing exercises",
        "grasping things is hard", "confusion", "cooking for her",
    ],
)  # fmt: skip
def test_no_false_alarm(text: str, content: Content) -> None:
    """Words that only look like danger ("relapse" is not "collapse") raise no alarm: too many would not be believed."""
    assert "emergency" not in heard(content, text)


@pytest.mark.parametrize(
    "text",
    [
        "I want to die",
        "i dont want to live",
        "she talks about suicide",
        "sucide",
        "I can't go on",
        "kill my self",
        "life is not worth living",
        "he wants to kill himself",
        "no reason to live",
    ],
)
def test_despair_is_heard(text: str, content: Content) -> None:
    """The words of despair are found wherever they stand in the sentence."""
    assert "crisis" in heard(content, text)


@pytest.mark.parametrize(
    "text", ["will my child die", "how long do people live with oms", "homicide", "harm of steroids", "the dye test", "he is 5, no reason"]
)
def test_a_hard_question_is_no_despair(text: str, content: Content) -> None:
    """Questions about dying and harm are answered by pages, not by the crisis lines."""
    assert "crisis" not in heard(content, text)


def test_a_phrase_is_found_whole_and_in_order() -> None:
    """The words of a phrase must follow each other; what else was said is handed on."""
    found = mention(["turning blue"], "she is turning blue now")
    assert found is not None
    assert (found.what, found.rest) == ("turning blue", "she is now")
    for text in ("turning to the blue team", "blue turning", "turning", ""):
        assert mention(["turning blue"], text) is None
    assert mention([], "anything") is None


WORDS = st.lists(st.sampled_from(["i", "my", "limp", "turning", "turnign"]), max_size=6)


@given(st.lists(WORDS), WORDS)
def test_no_run_of_words_is_passed_over(runs: list[list[str]], said: list[str]) -> None:
    """Looked for by their rarest words, the same runs stand in a text as when each is tried at every word, typing errors or not."""
    for meant in (exactly, guessing(Lexicon(["turning", *itertools.chain(*runs)]))):
        at_every_word = {
            (number, at)
            for number, run in enumerate(runs)
            for at in range(len(said) - len(run) + 1)
            if run and all(word in meant(typed) for word, typed in zip(run, said[at:], strict=False))
        }
        found = list(Runs(runs).standing(said, meant))
        assert set(found) == at_every_word
        assert len(found) == len(at_every_word)


def test_harmless_words_are_excused_only_from_typing_errors() -> None:
    """A word on the list of look-alikes is no typing error; the word of danger itself always counts."""
    assert mention(["choking"], "chocking") is not None
    assert mention(["choking"], "cooking", harmless=("cooking",)) is None
    assert mention(["choking"], "choking", harmless=("choking",)) is not None


@pytest.mark.parametrize("text", ["112", "call 112", "call 112 she is 3 years old", "911 my 2 year old turned pale", "112 hauptstrasse 5"])
def test_an_emergency_number_is_heard(text: str) -> None:
    """A cry for help may hold other numbers, such as an age or an address."""
    assert mention(["112", "911"], text)


@pytest.mark.parametrize("text", ["49 30 112 1234", "0911 911 1234", "112 233 44", "30 112"])
def test_a_group_of_a_telephone_number_is_no_emergency_number(text: str) -> None:
    """Telephone numbers contain 112 and 911; between other digits they mean nothing."""
    assert mention(["112", "911"], text) is None


@pytest.mark.parametrize("text", ["Opsoclonus", "what is opsoclonus?", "opsoklonus", "dancing eye", "about the dancing eyes"])
def test_one_page_is_clearly_meant(text: str) -> None:
    """A title, a keyword, another form of it or a misspelling opens the page."""
    found = find(INDEX, text)
    assert (found.fit, found.paths) == ("clear", ("eyes",))


def test_words_of_another_topic_make_it_another_question() -> None:
    """Who asks about football and happens to say "sleep" is told that nothing was found, and offered what comes near."""
    index = build("en", [Entry("sleep", ("Sleep", "bad sleep"))], noise=["the"], elsewhere=["football", "match"])
    assert find(index, "football match in my sleep").fit == "near"
    assert find(index, "bad sleep").fit == "clear"


def test_two_pages_of_one_keyword_are_offered() -> None:
    """A word that stands for two pages asks which one is meant."""
    found = find(INDEX, "side effects")
    assert found.fit == "several"
    assert set(found.paths) == {"steroids", "symptoms"}


def test_two_topics_in_one_question_are_both_offered() -> None:
    """Who asks about two things is shown both."""
    found = find(INDEX, "sleep and rituximab")
    assert found.fit == "several"
    assert set(found.paths) == {"sleep", "rituximab"}


def test_a_page_that_fits_half_is_near() -> None:
    """A word beside one that belongs to a page is worth offering, not opening."""
    assert find(INDEX, "dancing class").fit == "near"


@pytest.mark.parametrize("text", ["", "???", "asdfgh qwertz", "what is the", "Привет", "😀", "x" * 10_000])
def test_nonsense_finds_nothing(text: str) -> None:
    """Nothing is offered for words nobody wrote a page about, and noise alone is no question."""
    assert find(INDEX, text).paths == ()


def test_no_more_than_asked_for() -> None:
    """A list of results stays short enough to be read."""
    crowd = build("en", [Entry(f"page{n}", ("fever",)) for n in range(9)])
    assert len(find(crowd, "fever", limit=3).paths) == 3


@pytest.mark.parametrize(
    ("language", "keyword", "typed"),
    [("de", "Anfälle", "Anfall"), ("ru", "судороги", "судорога"), ("ar", "العين", "العين"), ("xx", "word", "word")],
)
def test_other_languages_have_their_own_stems(language: str, keyword: str, typed: str) -> None:
    """Another form of the word is found in each language; a language without stemmer takes words as they are."""
    assert find(build(language, [Entry("page", (keyword,))]), typed).paths == ("page",)
