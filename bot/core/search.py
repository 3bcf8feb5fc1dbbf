"""Finding things in what people type: its normal form, and the pages that fit.

Everything is in memory and per language; an `Index` is built once when the content is read.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import snowballstemmer
from rapidfuzz import fuzz, process

from bot.core.phrases import TYPO, contains

MAX_QUERY = 300  # characters looked at; nobody's question is longer
CLEAR = 82  # a score from which a page is an answer
NEAR = 55  # a score from which a page is worth offering
LEAD = 8  # how far ahead the best must be to be opened without asking
_STEMMERS = {"en": "english", "de": "german", "ar": "arabic", "ru": "russian"}
_FOLDS = str.maketrans({"ё": "е", "ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": ""})


def normal(text: str) -> str:
    """`text` as it is compared: one case, one spelling of each letter, words parted by single spaces."""
    folded = unicodedata.normalize("NFKC", text[:MAX_QUERY]).casefold().translate(_FOLDS)
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) != "Mn")
    # "й" falls apart into a letter and a mark and becomes "и" on both sides of a comparison, which does no harm.
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in bare)
    squeezed = re.sub(r"([^\W\d_])\1{2,}", r"\1", digits.replace("'", "").replace("’", ""))
    return " ".join(re.findall(r"[^\W_]+", squeezed))


@dataclass(frozen=True, slots=True)
class Index:
    phrases: Mapping[str, tuple[str, ...]]  # a title or keyword in normal form -> the pages it stands for
    stems: Mapping[str, frozenset[str]]  # the same phrases as sets of word stems
    using: Mapping[str, tuple[str, ...]]  # a stem -> the phrases it stands in
    language: str
    noise: frozenset[str] = frozenset()  # words that say nothing about the topic: "the", "what"


@dataclass(frozen=True, slots=True)
class Found:
    """Pages, best first: one that is the answer, several to choose from, or only near ones (perhaps none)."""

    paths: tuple[str, ...] = ()
    fit: Literal["clear", "several", "near"] = "near"


def build(language: str, entries: Iterable[tuple[str, Iterable[str]]], noise: Iterable[str] = ()) -> Index:
    """An index of (page path, its titles and keywords)."""
    ignored = frozenset(map(normal, noise))
    phrases: dict[str, tuple[str, ...]] = {}
    for path, texts in entries:
        for phrase in {normal(text) for text in texts} - {""}:
            phrases[phrase] = (*phrases.get(phrase, ()), path)
    stems = {phrase: _stems(phrase, language, ignored) for phrase in phrases}
    using: defaultdict[str, tuple[str, ...]] = defaultdict(tuple)
    for phrase, parts in stems.items():
        for stem in parts:
            using[stem] += (phrase,)
    return Index(phrases, stems, dict(using), language, ignored)


def find(index: Index, text: str, limit: int = 3) -> Found:
    """The pages that fit `text`, at most `limit`; none for nonsense."""
    query = normal(text)
    if exact := index.phrases.get(query):
        return Found(exact[:limit], "clear" if len(exact) == 1 else "several")
    scores = _scores(index, query)
    ranked = sorted(scores, key=lambda path: (-scores[path], path))
    good = [path for path in ranked if scores[path] >= CLEAR]
    if not good:
        return Found(tuple(path for path in ranked if scores[path] >= NEAR)[:limit])
    # Pages that are clearly behind the best one would only make the choice harder.
    close = tuple(path for path in good if scores[path] > scores[good[0]] - LEAD)[:limit]
    return Found(close, "clear" if len(close) == 1 else "several")


def _scores(index: Index, query: str) -> dict[str, float]:
    asked = _stems(query, index.language, index.noise)
    said = query.split()
    scores: dict[str, float] = {}
    if not asked:
        return scores
    meant = {match for stem in asked if (match := _nearest(stem, index.using.keys()))}
    for phrase in {phrase for stem in meant for phrase in index.using[stem]}:
        stems = index.stems[phrase]
        shared = stems & meant
        covered = sum(map(len, shared)) / sum(map(len, stems))  # of the phrase, long words weighing more
        used = len(shared) / len(asked)  # of the question
        score = 100 * (0.82 * covered + 0.18 * used)
        if len(phrase.split()) > 1 and contains(said, phrase.split()):
            score += 6
        for path in index.phrases[phrase]:
            scores[path] = max(scores.get(path, 0), score)
    return scores


def _nearest(stem: str, vocabulary: Collection[str]) -> str:
    if stem in vocabulary or len(stem) < 5:
        return stem if stem in vocabulary else ""
    match = process.extractOne(stem, vocabulary, scorer=fuzz.ratio, score_cutoff=TYPO)
    return match[0] if match else ""


def _stems(phrase: str, language: str, noise: frozenset[str]) -> frozenset[str]:
    words = [word for word in phrase.split() if word not in noise] or phrase.split()
    if stemmer := _stemmer(language):
        words = stemmer.stemWords(words)
    return frozenset(words)


@cache
def _stemmer(language: str) -> Any:
    """None for a language nobody has written one for."""
    name = _STEMMERS.get(language)
    return snowballstemmer.stemmer(name) if name else None
