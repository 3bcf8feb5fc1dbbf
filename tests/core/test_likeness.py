"""What a message is like: topics by the pieces of words, and kinds of messages rather than ordinary ones."""

import math
from string import ascii_lowercase

import pytest

from bot.core.likeness import Kinds, Reader, Topics, cutter, pieces

EYES = ["the eyes are dancing", "his eyes jump around"]
SLEEP = ["she sleeps badly", "awake all night"]
ASKED, PLACES = ("where is", "how far is", "who runs", "when opens"), ("the park", "the shop", "the zoo")
ORDINARY = [f"{asked} {place}" for asked in ASKED for place in PLACES]
DESPAIR = ["i cannot go on like this", "i want it all to end", "nobody needs me any more", "there is no way out for me"]
ALARM = ["he turned grey and limp", "she is limp and does not look at me", "he went blue and limp"]


@pytest.fixture
def topics() -> Topics:
    learned = Topics({"eyes": EYES, "sleep": SLEEP, "nothing": []})
    learned.learn(Reader())
    return learned


@pytest.fixture
def kinds() -> Kinds:
    learned = Kinds({"crisis": DESPAIR, "emergency": ALARM, "never": []}, ORDINARY)
    learned.learn(Reader())
    return learned


@pytest.mark.parametrize(("said", "topic"), [("eyes dancing", "eyes"), ("his eys are jumpin", "eyes"), ("sleeping so badly", "sleep")])
def test_a_message_is_like_a_topic(topics: Topics, said: str, topic: str) -> None:
    """Other endings and mistyped words share pieces with the topic's own."""
    like = topics.like(said.split())
    assert max(like, key=lambda name: like[name]) == topic
    assert 0 < like[topic] <= 1.0001


def test_what_shares_nothing_is_like_nothing(topics: Topics) -> None:
    """Topics a message has no piece of are left out, and so is one without texts."""
    assert topics.like(["12345678"]) == {}
    assert topics.like([]) == {}
    assert "nothing" not in topics.like(["eyes"])


def test_the_same_words_are_most_alike(topics: Topics) -> None:
    """A whole example is more like its topic than a part of it, and the order of pieces does not matter."""
    whole, part = (topics.like(said.split())["eyes"] for said in ("the eyes are dancing", "the eyes"))
    assert whole > part
    assert pieces(["a", "b"]) != pieces(["b", "a"])  # but pairs of words tell more than the words


def test_what_many_topics_share_counts_as_exactly_as_what_few_do() -> None:
    """What common pieces say is added up for all topics at once, and comes to what adding up for each alone does."""
    texts = {f"topic {number}": [f"sleep {'well ' * (number % 3)}{letter}-{letter}"] for number, letter in enumerate(ascii_lowercase)}
    learned = Topics(texts)
    learned.learn(Reader())
    said = pieces(["sleep", "well", "a", "a"])
    counted = {name: pieces(text.replace("-", " ").split()) for name, (text,) in texts.items()}
    weight = {place: math.log(27 / (sum(place in theirs for theirs in counted.values()) or 1)) for place in said.union(*counted.values())}
    like = learned.like(["sleep", "well", "a", "a"])
    for name, theirs in counted.items():
        both = sum(weight[place] ** 2 for place in said & theirs)
        lengths = (math.hypot(*(weight[place] for place in places)) for places in (said, theirs))
        assert like[name] == pytest.approx(both / math.prod(lengths), abs=1e-5)


def test_a_message_is_cut_once() -> None:
    """Whoever asks about the same message next gets the pieces that are there, and the same ones as without asking together."""
    cut = cutter()
    assert cut(("dancing", "eyes")) is cut(("dancing", "eyes"))
    assert cut(("dancing", "eyes")) == pieces(["dancing", "eyes"])


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("i can not go on", "crisis"),
        ("no way out any more", "crisis"),
        ("she is so limp and grey", "emergency"),
        ("where is the shop", ""),
        ("how far is the parking", ""),
        ("", ""),
        ("qqqq zzzz", ""),
    ],
)
def test_a_message_is_of_a_kind(kinds: Kinds, said: str, kind: str) -> None:
    """What is written like the examples of a kind is of it; what is ordinary, or like nothing, is of none."""
    assert kinds.of(said.split()) == kind


def test_ordinary_examples_stay_ordinary() -> None:
    """An example that stands among the ordinary ones and nearly among the others is no alarm: so many would follow."""
    kinds = Kinds({"crisis": ["i could die for you", "i want to die"]}, [*ORDINARY, *["i could die for a pizza"] * 3])
    kinds.learn(Reader())
    assert kinds.of(["i", "could", "die", "for", "a", "pizza"]) == ""


@pytest.mark.parametrize("examples", [{}, {"crisis": ["help me"]}])
def test_without_ordinary_examples_nothing_is_of_a_kind(examples: dict[str, list[str]]) -> None:
    """A language that has no examples yet is served all the same."""
    kinds = Kinds(examples)
    kinds.learn(Reader())
    assert kinds.of(["help"]) == ""


def test_before_learning_nothing_is_like_anything() -> None:
    """Who writes in the first seconds after a start is answered by search words and signs alone."""
    assert Topics({"eyes": EYES}).like(["eyes"]) == {}
    assert Kinds({"crisis": DESPAIR}, ORDINARY).of(DESPAIR[0].split()) == ""
