"""What a message is like: pieces of its words, compared with those of example messages.

Search words and signs say what we thought of. Examples say how people put it; what is written in a similar way,
with other endings, mistyped or in dialect, shares pieces with them. Counting all pieces takes a while: until `learn`
has been called, which may be on another thread, nothing is like anything.
"""

import math
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import chain, pairwise, repeat
from struct import calcsize, pack, unpack
from zlib import crc32

from bot.core.words import MAX_QUERY, normal, normals

_PLACES = 1 << 15  # pieces share a place now and then, which does no harm
_SHORTEST, _LONGEST = 3, 5  # letters of a piece, the edges of the word among them
_FEW = 11  # topics that have a piece, up to which they are gone through one by one
_PART = 2.0**-22  # 300 letters have hardly 1000 pieces, of a weight below 10: what they say together has room in 32 bits
_UNSEEN = 0.1  # what a piece counts that no example has

Words = Sequence[str]  # of a message, in normal form
Places = Collection[int]
Cut = Callable[[tuple[str, ...]], set[int]]  # words into the places of their pieces


def _of_word(word: str) -> tuple[int, ...]:
    coded = f" {word} ".encode("utf-16-le")
    sizes = range(2 * _SHORTEST, 2 * _LONGEST + 1, 2)
    return tuple([crc32(coded[at : at + size]) % _PLACES for size in sizes for at in range(0, len(coded) - size + 1, 2)])


def pieces(words: Words, of_word: Callable[[str], tuple[int, ...]] = _of_word) -> set[int]:
    """The places of all pieces of these words, and of pairs of neighbours."""
    found = {crc32("_".join(pair).encode()) % _PLACES for pair in pairwise(words)}
    found.update(*map(of_word, words))
    return found


def cutter() -> Cut:
    """`pieces` for those who ask about one message: what was cut for one of them is there for the next. Forget it with the message."""
    of_word = cache(_of_word)
    return cache(lambda words: pieces(words, of_word))


class Reader:
    """Finds the pieces of examples, and remembers meanwhile: whoever learns after somebody else meets the same texts and words."""

    def __init__(self, learners: Iterable["Topics | Kinds"] = ()) -> None:
        """`learners`: those whose examples are going to be read. Brought into normal form together, they take a fraction of the time."""
        texts = dict.fromkeys(chain.from_iterable(learner.texts for learner in learners))
        self._said = dict(zip(texts, normals(text[:MAX_QUERY].replace("\n", " ") for text in texts), strict=True))
        self._of_word = of_word = cache(_of_word)
        self._whole = cache(lambda said: array("H", pieces(said.split(), of_word)))  # without `self`: gone with the last learner

    def places(self, text: str, noise: frozenset[str] = frozenset()) -> Places:
        """The places of the text's pieces, leaving out words that tell nothing."""
        said = self._said[text] if text in self._said else normal(text)
        words = said.split()
        if noise.isdisjoint(words):
            return self._whole(said)
        return array("H", pieces([word for word in words if word not in noise], self._of_word))


class Topics:
    """Which topic's texts a message is like: the cosine of their pieces, rare pieces weighing more.

    What a piece that many topics have says of all of them is one whole number too, 32 bits of it for each topic, in
    parts of `_PART`: adding up such numbers adds up what they say of every topic in one step.
    """

    def __init__(self, texts: Mapping[str, Collection[str]], noise: Iterable[str] = ()) -> None:
        """`noise`: words that tell nothing."""
        self._names = tuple(texts)
        self._texts, self._noise = texts, frozenset(noise)
        self._weight, self._begins = array("f", bytes(4 * _PLACES)), array("I", bytes(4 * (_PLACES + 1)))
        self._topics, self._says = array("H"), array("f")
        self._crowded: Mapping[int, int] = {}
        self._fields = f"<{len(self._names)}I"

    @property
    def texts(self) -> Iterable[str]:
        """What is still to be learned from."""
        return chain.from_iterable(self._texts.values())

    def learn(self, reader: Reader) -> None:
        """Once; again does nothing."""
        if not self._texts:
            return
        counted = [self._count(reader, name) for name in self._names]
        self._texts = {}
        in_topics = [0] * _PLACES
        for place in chain.from_iterable(places for places, _ in counted):
            in_topics[place] += 1
        weight = array("f", [math.log((len(counted) + 1) / (topics or 1)) for topics in in_topics])
        # What each piece says about which topics stands side by side: as lists it would take ten times the room.
        begins = array("I", [0])
        for place in range(_PLACES):
            begins.append(begins[-1] + in_topics[place])
        free = array("I", begins)
        topics, says = array("H", bytes(2 * begins[-1])), array("f", bytes(4 * begins[-1]))
        for number, (places, times) in enumerate(counted):
            weighed = {place: (1 + math.log(often)) * weight[place] for place, often in zip(places, times, strict=True)}
            whole = math.hypot(*weighed.values()) or 1.0
            for place, value in weighed.items():
                topics[free[place]], says[free[place]] = number, weight[place] * value / whole
                free[place] += 1
        self._weight, self._topics, self._says = weight, topics, says
        crowded: dict[int, int] = {}
        for place in (place for place, times in enumerate(in_topics) if times > _FEW):
            parts = [0] * len(counted)
            for at in range(begins[place], begins[place + 1]):
                parts[topics[at]] = round(says[at] / _PART)
            crowded[place] = int.from_bytes(pack(self._fields, *parts), "little")
        self._crowded = crowded
        self._begins = begins  # last: somebody may be asking at this moment

    def _count(self, reader: Reader, name: str) -> tuple[Places, Sequence[int]]:
        """The places of a topic's pieces and how often each stands there: as two arrays, of many topics at once it would be much."""
        counts = Counter(chain.from_iterable(reader.places(text, self._noise) for text in self._texts[name]))
        return array("H", counts), array("H", counts.values())

    def like(self, words: Words, cut: Cut = pieces) -> dict[str, float]:
        """How much the message is like each topic, from 0 to 1; topics it shares nothing with are left out."""
        said = cut(tuple(words))
        whole = math.hypot(*map(self._weight.__getitem__, said)) or 1.0
        crowded = sum(map(self._crowded.get, said, repeat(0)))
        likeness = [parts * _PART for parts in unpack(self._fields, crowded.to_bytes(calcsize(self._fields), "little"))]
        begins, topics, says = self._begins, self._topics, self._says
        for place in said.difference(self._crowded):
            for at in range(begins[place], begins[place + 1]):
                likeness[topics[at]] += says[at]
        return {name: value / whole for name, value in zip(self._names, likeness, strict=True) if value}


def _counted(examples: Iterable[Places]) -> tuple[list[int], float]:
    """How often each piece stands in the examples, and all of them together, those never seen counted a little."""
    counts = [0] * _PLACES
    for place in chain.from_iterable(examples):
        counts[place] += 1
    return counts, sum(counts) + _UNSEEN * _PLACES


class Kinds:
    """Whether a message is of a kind rather than ordinary: naive Bayes over pieces.

    From where on it is follows from the ordinary examples: hardly one of them, taken out of the count, may be.
    """

    def __init__(
        self, examples: Mapping[str, Collection[str]] | None = None, ordinary: Collection[str] = (), false_alarms: float = 0.005
    ) -> None:
        """`false_alarms`: the share of ordinary examples that may be taken for something else."""
        self._examples, self._ordinary, self._false_alarms = examples or {}, ordinary, false_alarms
        self._weights: Mapping[str, array[float]] = {}
        self._least: dict[str, float] = {}

    @property
    def texts(self) -> Iterable[str]:
        """What is still to be learned from."""
        return chain(self._ordinary, *self._examples.values())

    def learn(self, reader: Reader) -> None:
        """Once; again does nothing."""
        if not self._examples:
            return
        usual = list(map(reader.places, self._ordinary))
        counts, total = _counted(usual)
        one_less = [max(times - 1, 0) for times in counts]  # as if one of the ordinary examples that have it were not among them
        logs = [math.log(times + _UNSEEN) for times in range(max(counts) + 1)]  # of few numbers, each looked up often
        weights: dict[str, array[float]] = {}
        for kind, messages in self._examples.items():
            of_kind, all_of_kind = _counted(map(reader.places, messages))
            if not any(of_kind) or not usual:
                continue
            seen = [math.log(times + _UNSEEN) for times in range(max(of_kind) + 1)]
            rarer = math.log(total / all_of_kind)  # there are fewer examples of the kind

            def weights_of(pairs: Iterable[tuple[int, int]], seen: list[float] = seen, rarer: float = rarer) -> list[float]:
                """What a piece says that so many examples of the kind, and so many ordinary ones, have; nothing, if it is new."""
                listed = list(pairs)
                says = {(here, there): seen[here] - logs[there] + rarer if here or there else 0.0 for here, there in set(listed)}
                return list(map(says.__getitem__, listed))

            weights[kind] = array("f", weights_of(zip(of_kind, counts, strict=True)))
            without_one = weights_of(zip(of_kind, one_less, strict=True))
            without = sorted(sum(map(without_one.__getitem__, one)) / math.sqrt(len(one) or 1) for one in usual)
            self._least[kind] = max(0.0, without[-1 - int(len(without) * self._false_alarms)])
        self._examples, self._ordinary = {}, ()
        self._weights = weights

    def of(self, words: Words, cut: Cut = pieces) -> str:
        """The kind the message is of; "" for an ordinary one."""
        if not self._weights or not (said := cut(tuple(words))):
            return ""
        likely = {kind: sum(map(weights.__getitem__, said)) for kind, weights in self._weights.items()}
        best = max(likely, key=lambda kind: likely[kind])
        return best if likely[best] / math.sqrt(len(said)) > self._least[best] else ""
