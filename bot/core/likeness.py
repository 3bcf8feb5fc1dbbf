"""What a message is like: pieces of its words, compared with those of example messages.

Search words and signs say what we thought of. Examples say how people put it; what is written in a similar way,
with other endings, mistyped or in dialect, shares pieces with them. Everything is counted when the content is read.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from types import MappingProxyType
from zlib import crc32

_PLACES = 1 << 15  # pieces share a place now and then, which does no harm
_SHORTEST, _LONGEST = 3, 5  # letters of a piece, the edges of the word among them
_UNSEEN = 0.1  # what a piece counts that no example has

Words = Sequence[str]  # of a message, in normal form


def pieces(words: Words) -> set[int]:
    """The places of all pieces of these words, and of pairs of neighbours."""
    found = set(map("_".join, pairwise(words)))
    for word in words:
        edged = f" {word} "
        for length in range(_SHORTEST, _LONGEST + 1):
            found.update(edged[at : at + length] for at in range(len(edged) - length + 1))
    return {crc32(piece.encode()) % _PLACES for piece in found}


class Topics:
    """Which topic's texts a message is like: the cosine of their pieces, rare pieces weighing more."""

    def __init__(self, texts: Mapping[str, Iterable[Words]]) -> None:
        self._names = tuple(texts)
        counted = [Counter(chain.from_iterable(map(pieces, texts[name]))) for name in self._names]
        in_topics = Counter(chain.from_iterable(counted))
        self._weight = array("f", [math.log((len(counted) + 1) / (in_topics[place] or 1)) for place in range(_PLACES)])
        held: list[list[tuple[int, float]]] = [[] for _ in range(_PLACES)]
        for number, counts in enumerate(counted):
            weighed = {place: (1 + math.log(times)) * self._weight[place] for place, times in counts.items()}
            whole = math.hypot(*weighed.values()) or 1.0
            for place, weight in weighed.items():
                held[place].append((number, weight / whole))
        # Side by side in three arrays: as lists they would take ten times the room.
        self._begins = array("I", [0])
        self._topics, self._shares = array("H"), array("f")
        for each in held:
            self._topics.extend(number for number, _ in each)
            self._shares.extend(share for _, share in each)
            self._begins.append(len(self._topics))

    def like(self, words: Words) -> dict[str, float]:
        """How much the message is like each topic, from 0 to 1; topics it shares nothing with are left out."""
        said = pieces(words)
        whole = math.hypot(*(self._weight[place] for place in said)) or 1.0
        likeness = [0.0] * len(self._names)
        for place in said:
            weight = self._weight[place] / whole
            for at in range(self._begins[place], self._begins[place + 1]):
                likeness[self._topics[at]] += weight * self._shares[at]
        return {name: value for name, value in zip(self._names, likeness, strict=True) if value}


def _counted(examples: Iterable[set[int]]) -> tuple[list[int], float]:
    """How often each piece stands in the examples, and all of them together, those never seen counted a little."""
    counts = [0] * _PLACES
    for places in examples:
        for place in places:
            counts[place] += 1
    return counts, sum(counts) + _UNSEEN * _PLACES


class Kinds:
    """Whether a message is of a kind rather than ordinary: naive Bayes over pieces.

    From where on it is follows from the ordinary examples: hardly one of them, taken out of the count, may be.
    """

    def __init__(
        self, examples: Mapping[str, Iterable[Words]] = MappingProxyType({}), ordinary: Iterable[Words] = (), false_alarms: float = 0.005
    ) -> None:
        """`false_alarms`: the share of ordinary examples that may be taken for something else."""
        usual = [pieces(words) for words in ordinary]
        counts, total = _counted(usual)
        logs = [math.log(times + _UNSEEN) for times in range(max(counts, default=0) + 1)]  # of few numbers, each looked up often
        self._weights: dict[str, array[float]] = {}
        self._least: dict[str, float] = {}
        for kind, messages in examples.items():
            of_kind, all_of_kind = _counted(map(pieces, messages))
            if not any(of_kind) or not usual:
                continue
            seen = [math.log(times + _UNSEEN) for times in range(max(of_kind) + 1)]
            rarer = math.log(total / all_of_kind)  # there are fewer examples of the kind

            def weight(here: int, there: int, seen: list[float] = seen, rarer: float = rarer) -> float:
                """What a piece says that so many examples of the kind, and so many ordinary ones, have; nothing, if it is new."""
                return seen[here] - logs[there] + rarer if here or there else 0.0

            self._weights[kind] = array("f", map(weight, of_kind, counts))
            without = sorted(sum(weight(of_kind[place], counts[place] - 1) for place in one) / math.sqrt(len(one) or 1) for one in usual)
            self._least[kind] = max(0.0, without[-1 - int(len(without) * false_alarms)])

    def of(self, words: Words) -> str:
        """The kind the message is of; "" for an ordinary one."""
        if not self._weights or not (said := pieces(words)):
            return ""
        likely = {kind: sum(map(weights.__getitem__, said)) for kind, weights in self._weights.items()}
        best = max(likely, key=lambda kind: likely[kind])
        return best if likely[best] / math.sqrt(len(said)) > self._least[best] else ""
