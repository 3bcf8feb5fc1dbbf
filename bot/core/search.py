"""The pages that fit what people type. Everything is in memory and per language; an `Index` is built once.

A page is found by its title and search words, and helped by the words of its text. What counts is how much of the
question a page explains, rare words counting more, and how much of one of its search words was said.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core.likeness import Cut, Kinds, Topics, pieces
from bot.core.words import Lexicon, normal, normals, stems, whole

CLEAR = 0.7  # a score from which a page is an answer
LEAD = 0.2  # how far ahead the best must be to be opened without asking
RELEVANT = 0.56  # from which a question is about what we know at all
NEAR = 0.35  # from which what was found is worth offering all the same
_ELSEWHERE = 0.15  # what each word that tells of another topic takes away
_AWAY = 0.3  # what a message of nothing but such words loses besides
_LIKE = 0.7  # what it counts to be written like the names and examples of a page
_LIKE_OTHER = 0.15  # what it takes away to be written like messages about other things
_PLENTY = 12.0  # weight of what was recognised, beyond which more proves nothing more
_BODY = 0.3  # what a word in the text of a page counts, beside 1 for one in its title or search words
_AMONG = 0.8  # one that stands there among others
_PART, _BEGINNING, _MISTYPED = 0.7, 0.85, 0.85  # what a word counts that is not quite the one
_MIN_PART, _MIN_BEGINNING = 5, 4  # letters
_COMPOUNDING = frozenset({"de"})  # languages that write several words as one


_Meant = Mapping[str, Mapping[str, float]]  # what each stem of a question may mean, and how likely


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as it is found."""

    path: str
    names: tuple[str, ...]  # title and search words
    text: str = ""
    examples: tuple[str, ...] = ()  # questions it answers, as people ask them


@dataclass(frozen=True, slots=True)
class Index:
    phrases: Mapping[str, tuple[str, ...]]  # a title or search word in normal form -> the pages it stands for
    names: tuple[tuple[str, float], ...]  # every title and search word: its page, and the weight of its stems
    holding: Mapping[str, tuple[int, ...]]  # a stem -> the names it stands in, by their place
    using: Mapping[str, tuple[tuple[str, float], ...]]  # a stem -> the pages it stands in, and what it counts there
    weight: Mapping[str, float]  # of each stem: the rarer the more
    unknown: float  # the weight of a word that stands nowhere
    language: str
    lexicon: Lexicon
    noise: frozenset[str]  # words that say nothing about the topic: "the", "what"
    elsewhere: frozenset[str]  # stems that tell of other topics: "football", "weather"
    topics: Topics  # what pages' names and examples look like
    others: Kinds  # what messages about other things look like


@dataclass(frozen=True, slots=True)
class Found:
    """Pages, best first: one that is the answer, several to choose from, or only near ones (perhaps none)."""

    paths: tuple[str, ...] = ()
    fit: Literal["clear", "several", "near"] = "near"
    relevance: float = 0.0  # of the question, from 0 to 1


def build(
    language: str, entries: Collection[Entry], noise: Iterable[str] = (), elsewhere: Iterable[str] = (), other: Iterable[str] = ()
) -> Index:
    """`other`: messages about nothing that a page is about."""
    ignored = frozenset(normals(noise))
    phrases: dict[str, tuple[str, ...]] = {}
    names_of: dict[str, set[frozenset[str]]] = {}
    using: defaultdict[str, dict[str, float]] = defaultdict(dict)
    spelt = [(entry.path, {*normals(entry.names)} - {""}, whole(entry.text)) for entry in entries]
    said = {word for _, names, text in spelt for phrase in (*names, text) for word in phrase.split()}
    stem_of = dict(zip(said, stems(said, language), strict=True))  # each word once: they come again and again

    def telling(phrase: str) -> frozenset[str]:
        words = phrase.split()
        return frozenset(stem_of[word] for word in [word for word in words if word not in ignored] or words)

    for path, names, text in spelt:
        alone = (path,)  # the same one for all its names: there are thousands
        for name in names:
            phrases[name] = phrases[name] + alone if name in phrases else alone
        names_of[path] = set(map(telling, names))
        for stem in telling(text):
            using[stem][path] = _BODY
        for words in names_of[path]:
            for stem in words:
                using[stem][path] = max(using[stem].get(path, 0.0), 1.0 if len(words) == 1 else _AMONG)
    weight = {stem: math.log(1 + len(spelt) / len(found)) for stem, found in using.items()}
    listed = [(path, part) for path, parts in names_of.items() for part in parts]
    weighed = [(path, sum(weight[stem] for stem in part)) for path, part in listed]
    shared = dict[tuple[str, float], tuple[str, float]]()  # many pairs are alike
    holding: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for number, (_, part) in enumerate(listed):
        for stem in part:
            holding[stem] += (number,)
    return Index(
        phrases,
        tuple(shared.setdefault(name, name) for name in weighed),
        dict(holding),
        {stem: tuple(shared.setdefault(each, each) for each in found.items()) for stem, found in using.items()},
        weight,
        math.log(1 + len(spelt)),
        language,
        Lexicon(using),
        ignored,
        frozenset(stems(whole("\n".join(elsewhere)).split(), language)),
        Topics({entry.path: (*entry.names, *entry.examples) for entry in entries}, ignored),
        Kinds({"other": tuple(other)}, [text for entry in entries for text in entry.examples]),
    )


def find(index: Index, text: str, limit: int = 3) -> Found:
    """The pages that fit `text`, at most `limit`; none for nonsense."""
    return look_up(index, normal(text), limit)


def look_up(index: Index, query: str, limit: int = 3, cut: Cut = pieces) -> Found:
    """The same of a text in normal form. `cut`: of the message, if others ask about its words too."""
    if exact := index.phrases.get(query):
        return Found(exact[:limit], "clear" if len(exact) == 1 else "several", 1.0)
    words = query.split()
    telling = [word for word in words if word not in index.noise] or [word for word in words if word in index.phrases]
    if not telling:
        return Found()
    meant = {stem: _meant(index, stem) for stem in stems(telling, index.language)}
    scores, covered = _scores(index, meant, index.topics.like(telling, cut))
    ranked = tuple(path for _, path in sorted((-score, path) for path, score in scores.items())[:limit])
    if not ranked:
        return Found()
    best = scores[ranked[0]]
    relevance = _relevance(index, meant, covered[ranked[0]]) - _LIKE_OTHER * bool(index.others.of(words, cut))
    if relevance < RELEVANT:
        return Found(ranked if relevance >= NEAR else (), "near", relevance)
    if best >= CLEAR and (len(ranked) == 1 or best - scores[ranked[1]] >= LEAD):
        return Found(ranked[:1], "clear", relevance)
    return Found(tuple(path for path in ranked if scores[path] > best / 2), "several", relevance)


def _relevance(index: Index, meant: _Meant, covered: float) -> float:
    """Whether a question is about what we know: how much of it is known at all, how much of that stands in names, and of one."""
    known = sum(map(bool, meant.values())) / len(meant)
    weight = sum(
        max((index.weight[stem] * likeness for stem, likeness in known_as.items() if stem in index.holding), default=0.0)
        for known_as in meant.values()
    )
    other = sum(stem in index.elsewhere for stem in meant)
    return 0.4 * known + 0.35 * min(weight / _PLENTY, 1.0) + 0.25 * covered - _ELSEWHERE * other - _AWAY * other / len(meant)


def _scores(index: Index, meant: _Meant, alike: Mapping[str, float]) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """How well each page answers, and how much of one of its names was said."""
    total = sum(max((index.weight[known] for known in known_as), default=index.unknown) for known_as in meant.values())
    explained: defaultdict[str, float] = defaultdict(float)
    said: dict[str, float] = {}  # every stem that was said or probably meant
    for known_as in meant.values():
        best: dict[str, float] = {}
        for known, likeness in known_as.items():
            said[known] = max(said.get(known, 0.0), likeness)
            weight = likeness * index.weight[known]
            for path, counts in index.using[known]:
                if (value := counts * weight) > best.get(path, 0.0):
                    best[path] = value
        for path, value in best.items():
            explained[path] += value
    covered = _covered(index, said)
    scores = {path: 0.7 * explained[path] / total + 0.3 * covered[path] + _LIKE * alike.get(path, 0.0) for path in {*explained, *alike}}
    return scores, covered


def _covered(index: Index, said: Mapping[str, float]) -> Mapping[str, float]:
    """How much of the best of its names was said, of each page."""
    heard: defaultdict[int, float] = defaultdict(float)
    for stem, likeness in said.items():
        for number in index.holding.get(stem, ()):
            heard[number] += index.weight[stem] * likeness
    best: defaultdict[str, float] = defaultdict(float)
    for number, weight in heard.items():
        path, whole = index.names[number]
        best[path] = max(best[path], weight / whole)
    return best


def _meant(index: Index, stem: str) -> dict[str, float]:
    """The stems that this one is, or may be meant to be, and how likely."""
    if stem in index.elsewhere and stem not in index.holding:
        return {}
    if stem in index.lexicon:
        return {stem: 1.0}
    found = dict.fromkeys(index.lexicon.typos(stem), _MISTYPED)
    if not found and len(stem) >= _MIN_BEGINNING:
        found = {known: _BEGINNING for known in index.lexicon.beginning_with(stem) if len(known) - len(stem) <= _MIN_BEGINNING}
    if not found and index.language in _COMPOUNDING:
        pieces = (piece for at in range(_MIN_PART, len(stem)) for piece in (stem[:at], stem[-at:]))
        found = {piece: _PART for piece in pieces if piece in index.lexicon}
    return found
