"""Phrases that are mentioned in what people type, typing errors in long words allowed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Generic, TypeVar

from bot.core.words import Lexicon

Kind = TypeVar("Kind", bound=str)


@dataclass(frozen=True, slots=True)
class Mention:
    what: str  # the phrase or the words of danger
    rest: str  # what was said besides
    surely: bool = True  # it was said in these words, and not only written like examples of it


class Runs:
    """Runs of words, looked for in what people type; `harmless` words are never taken for mistyped ones."""

    def __init__(self, runs: Iterable[Sequence[str]], harmless: Collection[str] = ()) -> None:
        self._runs = [tuple(map(intern, run)) for run in runs]
        self._harmless = frozenset(harmless)
        self._beginning: defaultdict[str, list[int]] = defaultdict(list)
        for number, run in enumerate(self._runs):
            if run:
                self._beginning[run[0]].append(number)
        self._lexicon = Lexicon(word for run in self._runs for word in run)

    def __getitem__(self, number: int) -> tuple[str, ...]:
        return self._runs[number]

    def standing(self, said: Sequence[str], *, exact: bool = False) -> Iterator[tuple[int, int]]:
        """Which runs stand in `said`, by their number, and at which word they begin. `exact`: without typing errors."""
        meant = [self._same(word) if exact else self._meant(word) for word in said]
        for at, alike in enumerate(meant):
            for number in (number for word in alike for number in self._beginning.get(word, ())):
                run = self._runs[number]
                if at + len(run) <= len(meant) and all(word in meant[at + k] for k, word in enumerate(run)):
                    yield number, at

    def _meant(self, word: str) -> set[str]:
        """The words of the runs that `word` is, or is probably meant to be."""
        same = self._same(word)
        return same if word in self._harmless else same.union(self._lexicon.typos(word))

    def _same(self, word: str) -> set[str]:
        return {word} if word in self._lexicon else set()


class Phrases(Generic[Kind]):
    """Phrases of one language in normal form, by what they mean, made ready to be looked for.

    `harmless` words look like one of the phrases and are none; `filler` words may be missing or too many: people
    in fear, and those new to a language, leave them out. A phrase that is a number does not count beside
    another one: telephone numbers contain 112.
    """

    def __init__(self, phrases: Mapping[Kind, Iterable[str]], harmless: Collection[str] = (), filler: Collection[str] = ()) -> None:
        self._filler = frozenset(filler)
        self._phrases = [(kind, phrase) for kind, listed in phrases.items() for phrase in listed]
        self._runs = Runs(([word for word in phrase.split() if word not in self._filler] for _, phrase in self._phrases), harmless)

    def mentioned(self, text: str, *, exact: bool = False) -> dict[Kind, Mention]:
        """The first phrase of each kind that `text`, in normal form, contains. `exact`: without typing errors."""
        words = text.split()
        said = [word for word in words if word not in self._filler]
        found: dict[Kind, tuple[int, int]] = {}
        for number, at in self._runs.standing(said, exact=exact):
            kind, phrase = self._phrases[number]
            if found.get(kind, (number, at)) >= (number, at) and (not phrase.isdigit() or phrase in _lone_numbers(words)):
                found[kind] = (number, at)
        return {kind: self._mention(said, number, at) for kind, (number, at) in found.items()}

    def _mention(self, said: Sequence[str], number: int, at: int) -> Mention:
        return Mention(self._phrases[number][1], " ".join([*said[:at], *said[at + len(self._runs[number]) :]]))


def _lone_numbers(words: Sequence[str]) -> set[str]:
    """The numbers that stand beside no other: those that do are groups of a telephone number."""
    around = zip(["", *words], words, [*words[1:], ""], strict=False)
    return {word for before, word, behind in around if word.isdigit() and not before.isdigit() and not behind.isdigit()}
