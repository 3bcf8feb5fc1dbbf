"""Phrases that are mentioned in what people type, typing errors in long words allowed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.core.words import Lexicon

Kind = TypeVar("Kind", bound=str)


@dataclass(frozen=True, slots=True)
class Mention:
    what: str  # the phrase or the words of danger
    rest: str  # what was said besides


class Phrases(Generic[Kind]):
    """Phrases of one language in normal form, by what they mean, made ready to be looked for.

    `harmless` words look like one of the phrases and are none; `filler` words may be missing or too many: people
    in fear, and those new to a language, leave them out. A phrase that is a number does not count beside
    another one: telephone numbers contain 112.
    """

    def __init__(self, phrases: Mapping[Kind, Iterable[str]], harmless: Collection[str] = (), filler: Collection[str] = ()) -> None:
        self._harmless, self._filler = frozenset(harmless), frozenset(filler)
        self._phrases = [(kind, phrase) for kind, listed in phrases.items() for phrase in listed]
        self._words = [tuple(word for word in phrase.split() if word not in self._filler) for _, phrase in self._phrases]
        self._beginning: defaultdict[str, list[int]] = defaultdict(list)
        for number, words in enumerate(self._words):
            if words:
                self._beginning[words[0]].append(number)
        self._lexicon = Lexicon(word for words in self._words for word in words)

    def mentioned(self, text: str) -> dict[Kind, Mention]:
        """The first phrase of each kind that `text`, in normal form, contains."""
        words = text.split()
        said = [word for word in words if word not in self._filler]
        meant = [self._meant(word) for word in said]
        found: dict[Kind, tuple[int, int]] = {}
        for at, alike in enumerate(meant):
            for number in (number for word in alike for number in self._beginning.get(word, ())):
                kind, _ = self._phrases[number]
                first = found.get(kind, (number, at)) >= (number, at)
                if first and self._stands(number, at, meant) and self._counts(number, words):
                    found[kind] = (number, at)
        return {kind: self._mention(said, number, at) for kind, (number, at) in found.items()}

    def _mention(self, said: Sequence[str], number: int, at: int) -> Mention:
        return Mention(self._phrases[number][1], " ".join([*said[:at], *said[at + len(self._words[number]) :]]))

    def _meant(self, word: str) -> set[str]:
        """The words of the phrases that `word` is, or is probably meant to be."""
        same = {word} if word in self._lexicon else set()
        return same if word in self._harmless else same.union(self._lexicon.typos(word))

    def _stands(self, number: int, at: int, meant: Sequence[set[str]]) -> bool:
        words = self._words[number]
        return at + len(words) <= len(meant) and all(word in meant[at + k] for k, word in enumerate(words))

    def _counts(self, number: int, said: Sequence[str]) -> bool:
        phrase = self._phrases[number][1]
        return not phrase.isdigit() or phrase in _lone_numbers(said)


def _lone_numbers(words: Sequence[str]) -> set[str]:
    """The numbers that stand beside no other: those that do are groups of a telephone number."""
    around = zip(["", *words], words, [*words[1:], ""], strict=False)
    return {word for before, word, behind in around if word.isdigit() and not before.isdigit() and not behind.isdigit()}
