"""Phrases that are mentioned in what people type, typing errors in long words allowed."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from operator import contains
from sys import intern
from typing import Generic, TypeVar

from bot.core.words import Lexicon, packed

Kind = TypeVar("Kind", bound=str)
Meant = Callable[[str], Sequence[str]]  # a word that was typed -> itself, and the words it may be meant to be


@dataclass(frozen=True, slots=True)
class Mention:
    what: str  # the phrase or the words of danger
    rest: str  # what was said besides
    surely: bool = True  # it was said in these words, and not only written like examples of it


def exactly(word: str) -> Sequence[str]:
    return (word,)


def guessing(lexicon: Lexicon, harmless: Collection[str] = ()) -> Meant:
    """Each word, and those of the lexicon that it is probably meant to be; `harmless` ones are never taken for mistyped ones.

    It remembers, for everybody who asks about one message: forget it with the message.
    """
    return cache(lambda word: (word,) if word in harmless else (word, *lexicon.typos(word)))


class Runs:
    """Runs of words, looked for in what people type.

    Each is looked for where its rarest word stands: every second message has an "I", hardly any a "limp".
    """

    def __init__(self, runs: Iterable[Sequence[str]]) -> None:
        self._runs = [tuple(map(intern, run)) for run in runs]
        often = Counter(word for run in self._runs for word in run)
        # Where in each run its rarest word stands, and the runs of each such word.
        self._rarest = [min(range(len(run)), key=lambda place: often[run[place]], default=0) for run in self._runs]
        holding: defaultdict[str, list[int]] = defaultdict(list)
        for number, run in enumerate(self._runs):
            if run:
                holding[run[self._rarest[number]]].append(number)
        self._with = packed(holding)

    def __getitem__(self, number: int) -> tuple[str, ...]:
        return self._runs[number]

    @property
    def words(self) -> Iterator[str]:
        return chain.from_iterable(self._runs)

    def standing(self, said: Sequence[str], meant: Meant = exactly) -> Iterator[tuple[int, int]]:
        """Which runs stand in `said`, by their number, and at which word they begin."""
        if meant is exactly and self._with.keys().isdisjoint(said):
            return  # mostly so in every language but one
        words = list(map(meant, said))
        for at, alike in enumerate(words):
            for word in alike:
                for number in self._with.get(word, ()):
                    run, begins = self._runs[number], at - self._rarest[number]
                    if 0 <= begins <= len(words) - len(run) and all(map(contains, words[begins : begins + len(run)], run)):
                        yield number, begins


class Phrases(Generic[Kind]):
    """Phrases of one language in normal form, by what they mean, made ready to be looked for.

    `filler` words may be missing or too many: people in fear, and those new to a language, leave them out. A phrase
    that is a number does not count beside another one: telephone numbers contain 112.
    """

    def __init__(self, phrases: Mapping[Kind, Iterable[str]], filler: Collection[str] = ()) -> None:
        self._filler = frozenset(filler)
        self._phrases = [(kind, phrase) for kind, listed in phrases.items() for phrase in listed]
        self._runs = Runs([word for word in phrase.split() if word not in self._filler] for _, phrase in self._phrases)

    @property
    def words(self) -> Iterator[str]:
        return self._runs.words

    def mentioned(self, text: str, meant: Meant = exactly) -> dict[Kind, Mention]:
        """The first phrase of each kind that `text`, in normal form, contains."""
        words = text.split()
        said = [word for word in words if word not in self._filler]
        found: dict[Kind, tuple[int, int]] = {}
        for number, at in self._runs.standing(said, meant):
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
