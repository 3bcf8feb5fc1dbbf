"""Finding things in what people type: normal form, phrases that are mentioned, the pages that fit.

Everything is in memory and per language; an `Index` is built once when the content is read.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import snowballstemmer
from rapidfuzz import fuzz, process

MAX_QUERY = 300  # characters looked at; nobody's question is longer
CLEAR = 82  # a score from which a page is an answer
NEAR = 55  # a score from which a page is worth offering
LEAD = 8  # how far ahead the best must be to be opened without asking
_TYPO = 84  # similarity, out of 100, from which two words of five letters or more count as the same
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
class Mention:
    phrase: str
    rest: str  # what was said besides


def mentioned(phrases: Iterable[str], text: str, harmless: Collection[str] = (), filler: Collection[str] = ()) -> Mention | None:
    """The first of `phrases` that `text` contains (all in normal form), typing errors in long words allowed.

    `harmless` words look like one of the phrases and are none; `filler` words may be missing or too many: people
    in fear, and those new to a language, leave them out. A phrase that is a number does not count beside
    another one: telephone numbers contain 112.
    """
    said = [word for word in text.split() if word not in filler]
    alone = _lone_numbers(text.split())
    for phrase in phrases:
        words = [word for word in phrase.split() if word not in filler]
        at = _find(said, words, harmless)
        if at is not None and (not phrase.isdigit() or phrase in alone):
            return Mention(phrase, " ".join(said[:at] + said[at + len(words) :]))
    return None


def _lone_numbers(words: Sequence[str]) -> set[str]:
    """The numbers that stand beside no other: those that do are groups of a telephone number."""
    around = zip(["", *words], words, [*words[1:], ""], strict=False)
    return {word for before, word, behind in around if word.isdigit() and not before.isdigit() and not behind.isdigit()}


def _find(said: Sequence[str], words: Sequence[str], harmless: Collection[str] = ()) -> int | None:
    def same(word: str, other: str) -> bool:
        return word == other or (word not in harmless and _is_typo(word, other))

    spots = range(len(said) - len(words) + 1)
    return next((at for at in spots if all(map(same, said[at : at + len(words)], words))), None)


def _is_typo(word: str, other: str) -> bool:
    """Whether `word` is probably `other`, mistyped. People rarely mistype the first letter; other words differ there."""
    if other.isdigit() or min(len(word), len(other)) < 5 or word[0] != other[0] or abs(len(word) - len(other)) > 1:
        return False
    return fuzz.ratio(word, other) >= _TYPO


@dataclass(frozen=True, slots=True)
class Index:
    phrases: Mapping[str, tuple[str, ...]]  # a title or keyword in normal form -> the pages it stands for
    stems: Mapping[str, frozenset[str]]  # the same phrases as sets of word stems
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
    return Index(phrases, stems, language, ignored)


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
    vocabulary = {stem for stems in index.stems.values() for stem in stems}
    known = {stem: _nearest(stem, vocabulary) for stem in asked}
    meant = {match for match in known.values() if match}
    for phrase, stems in index.stems.items():
        shared = stems & meant
        if not shared:
            continue
        covered = sum(map(len, shared)) / sum(map(len, stems))  # of the phrase, long words weighing more
        used = len(shared) / len(asked)  # of the question
        score = 100 * (0.82 * covered + 0.18 * used)
        if len(phrase.split()) > 1 and _find(said, phrase.split()) is not None:
            score += 6
        for path in index.phrases[phrase]:
            scores[path] = max(scores.get(path, 0), score)
    return scores


def _nearest(stem: str, vocabulary: set[str]) -> str:
    if stem in vocabulary or len(stem) < 5:
        return stem if stem in vocabulary else ""
    match = process.extractOne(stem, vocabulary, scorer=fuzz.ratio, score_cutoff=_TYPO)
    return match[0] if match else ""


def _stems(phrase: str, language: str, noise: frozenset[str]) -> frozenset[str]:
    words = [word for word in phrase.split() if word not in noise] or phrase.split()
    if name := _STEMMERS.get(language):
        words = snowballstemmer.stemmer(name).stemWords(words)
    return frozenset(words)
