"""Words as they are compared: one spelling of each, its stem, and whether one is probably another, mistyped."""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import islice, takewhile
from sys import intern
from typing import Any, TypeVar

import snowballstemmer
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

_Key = TypeVar("_Key")
_Item = TypeVar("_Item")

MAX_QUERY = 300  # characters looked at; nobody's question is longer
TYPO = 84  # similarity, out of 100, from which two long words count as the same
_LONG = 9  # letters from which that allows more than one error
_BREVE = "\u0306"
_APOSTROPHE = re.compile("['’`´ʼ′]")
_EVERYDAY = 0x0800  # code points below are remembered: nobody can fill the memory with the others
_WORD = re.compile(r"[^\W_]+")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")  # "heeelp"
_STEMMED = 3  # letters up to which words are left as they are
_SHORT = 5  # letters below which a word must be right
_STEMMERS = {"en": "english", "de": "german", "ar": "arabic", "ru": "russian"}
_FOLDS = {"ё": "е", "ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue"}
_FOLDS |= {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": ""}
# "the", with the small words that Arabic writes together with it: "and the", "with the", "for the", colloquial "this".
_ARTICLE = re.compile(r"^(?:[وف]?[بكه]?ال|[وف]?لل)(?=\w{3})")
# German writes many medical words in two ways: Corticoid and Kortikoid, Cerebellum and Zerebellum, Rhythmus and Rytmus.
_SPELLINGS = {"de": (("ph", "f"), ("th", "t"), ("ck", "k"), ("c", "k"), ("z", "k"), ("y", "i"))}


def normal(text: str) -> str:
    """`text` as it is compared: one case, one spelling of each letter, words parted by single spaces."""
    return whole(text[:MAX_QUERY])


def whole(text: str) -> str:
    """A text of ours, of any length, in normal form."""
    return " ".join(_WORD.findall(_folded(text)))


def normals(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts of ours, of a line each, in normal form: many at once take a fraction of the time."""
    listed = list(texts)
    return tuple(intern(" ".join(_WORD.findall(line))) for line in _folded("\n".join(listed)).split("\n")) if listed else ()


def _folded(text: str) -> str:
    folded = _APOSTROPHE.sub("", text)
    if folded.isascii():
        folded = folded.casefold()
    else:
        spelt = _replaced(unicodedata.normalize("NFKC", folded).casefold(), lambda char: _FOLDS.get(char, char))
        folded = unicodedata.normalize("NFC", _replaced(unicodedata.normalize("NFD", spelt), _BARE.__getitem__))
    return _DRAWN_OUT.sub(r"\1", folded)


class _Bare(dict[str, str]):
    """What is left of each character: nothing of a mark but the one that makes "й" of "и", of a digit of any script the ASCII one."""

    def __missing__(self, char: str) -> str:
        left = "" if unicodedata.category(char) == "Mn" and char != _BREVE else str(unicodedata.digit(char)) if char.isdigit() else char
        if ord(char) < _EVERYDAY:
            self[char] = left
        return left


_BARE = _Bare()


def _replaced(text: str, left_of: Callable[[str], str]) -> str:
    """What `str.translate` makes of it, in long texts many times as fast: they are written in a few characters."""
    for char in set(text):
        if (left := left_of(char)) != char:
            text = text.replace(char, left)
    return text


def stems(words: Iterable[str], language: str) -> list[str]:
    """What is left of normal words without their endings, in the spelling all variants share."""
    listed = list(words) if language != "ar" else [_ARTICLE.sub("", word) for word in words]
    if stemmer := _stemmer(language):
        # Of the shortest ones too little would be left: "ней" and "не" would be the same.
        listed = [stem if len(word) > _STEMMED else word for word, stem in zip(listed, stemmer.stemWords(listed), strict=True)]
    for written, shared in _SPELLINGS.get(language, ()):
        listed = [word.replace(written, shared) for word in listed]
    return list(map(intern, listed))  # the same ones stand in many places


@cache
def _stemmer(language: str) -> Any:
    """None for a language nobody has written one for."""
    if not (name := _STEMMERS.get(language)):
        return None
    stemmer = snowballstemmer.stemmer(name)
    stemmer.maxCacheSize = 0  # what people type is not remembered
    return stemmer


def packed(lists: Mapping[_Key, Sequence[_Item]]) -> Mapping[_Key, tuple[_Item, ...]]:
    """The same in half the memory, since it does not grow any more."""
    return {key: tuple(items) for key, items in lists.items()}


class Lexicon:
    """Words among which one that was typed, perhaps wrongly, is found."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = frozenset(words)
        self._ordered = sorted(self._known)
        # By what a typing error leaves as it is: the first letter and, nearly, the length.
        alike: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for word in (word for word in self._known if len(word) >= _SHORT and not word.isdigit()):
            for length in range(len(word) - 1, len(word) + 2):
                alike[word[0], length].append(word)
        self._alike = packed(alike)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def beginning_with(self, letters: str) -> Iterator[str]:
        return takewhile(lambda word: word.startswith(letters), islice(self._ordered, bisect_left(self._ordered, letters), None))

    def typos(self, word: str) -> list[str]:
        """The words that `word` probably is, mistyped: with one letter wrong, missing, too many or swapped, two in long words.

        People rarely mistype the first letter; other words differ there.
        """
        if len(word) < _SHORT or not (alike := self._alike.get((word[0], len(word)))):
            return []
        # One call for all of them: a call for each would take most of the time it takes to understand somebody.
        found = {other for other, errors, _ in process.extract(word, alike, scorer=OSA.distance, score_cutoff=1, limit=None) if errors}
        if len(word) >= _LONG:
            found.update(other for other, _, _ in process.extract(word, alike, scorer=fuzz.ratio, score_cutoff=TYPO, limit=None))
        return [other for other in found if other != word]


label = lru_cache(4096)(normal)  # for the words on buttons only: what people type is not remembered
