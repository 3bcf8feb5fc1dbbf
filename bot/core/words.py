"""Words as they are compared: one spelling of each, its stem, and whether one is probably another, mistyped."""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import Any

import snowballstemmer
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

MAX_QUERY = 300  # characters looked at; nobody's question is longer
TYPO = 84  # similarity, out of 100, from which two words of five letters or more count as the same
_SHORT = 5  # letters below which a word must be right
_STEMMERS = {"en": "english", "de": "german", "ar": "arabic", "ru": "russian"}
_FOLDS = str.maketrans(
    {"ё": "е", "ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": ""}
)
# German writes many medical words in two ways: Corticoid and Kortikoid, Cerebellum and Zerebellum, Rhythmus and Rytmus.
_SPELLINGS = {"de": (("ph", "f"), ("th", "t"), ("ck", "k"), ("c", "k"), ("z", "k"), ("y", "i"))}


def normal(text: str) -> str:
    """`text` as it is compared: one case, one spelling of each letter, words parted by single spaces."""
    digits = text[:MAX_QUERY].casefold() if text.isascii() else _folded(text[:MAX_QUERY])
    squeezed = re.sub(r"([^\W\d_])\1{2,}", r"\1", digits.replace("'", "").replace("’", ""))
    return " ".join(re.findall(r"[^\W_]+", squeezed))


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_FOLDS)
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) != "Mn")
    # "й" falls apart into a letter and a mark and becomes "и" on both sides of a comparison, which does no harm.
    return "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in bare)


def whole(text: str) -> str:
    """A text of any length in normal form."""
    return " ".join(normal(line) for line in text.splitlines())


def stems(words: Iterable[str], language: str) -> list[str]:
    """What is left of normal words without their endings, in the spelling all variants share."""
    listed = list(words)
    if stemmer := _stemmer(language):
        listed = stemmer.stemWords(listed)
    for written, shared in _SPELLINGS.get(language, ()):
        listed = [word.replace(written, shared) for word in listed]
    return listed


@cache
def _stemmer(language: str) -> Any:
    """None for a language nobody has written one for."""
    name = _STEMMERS.get(language)
    return snowballstemmer.stemmer(name) if name else None


def is_typo(word: str, other: str) -> bool:
    """Whether `word` is probably `other`, mistyped. People rarely mistype the first letter; other words differ there."""
    if other.isdigit() or min(len(word), len(other)) < _SHORT or word[0] != other[0] or abs(len(word) - len(other)) > 1:
        return False
    if fuzz.ratio(word, other, score_cutoff=TYPO):
        return True
    return OSA.distance(word, other, score_cutoff=1) <= 1  # two letters swapped are one error


class Lexicon:
    """Words among which one that was typed, perhaps wrongly, is found."""

    def __init__(self, words: Iterable[str]) -> None:
        self._known = frozenset(words)
        self._ordered = sorted(self._known)
        # By what a typing error leaves as it is: the first letter and, nearly, the length.
        self._alike: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        for word in (word for word in self._known if len(word) >= _SHORT and not word.isdigit()):
            for length in range(len(word) - 1, len(word) + 2):
                self._alike[word[0], length].append(word)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def beginning_with(self, letters: str) -> Iterator[str]:
        return takewhile(lambda word: word.startswith(letters), islice(self._ordered, bisect_left(self._ordered, letters), None))

    def typos(self, word: str) -> Iterator[str]:
        """The words that `word` probably is, mistyped."""
        return (other for other in self._alike.get((word[0], len(word)), ()) if other != word and is_typo(word, other))


label = lru_cache(4096)(normal)  # for the words on buttons only: what people type is not remembered
