"""Danger in any words: signs of it that stand near each other.

Nobody can list all sentences in which somebody does not breathe. The content lists instead the words of each sign
("breath": breathe, breathing, air …; "cannot": not, stopped, hardly …) and which signs together mean danger
("breath + cannot", "lips + blue", "seizure - question": without any of the latter).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.core.phrases import Runs
from bot.core.words import Lexicon, stems

ASKED = "asked"  # the sign of a question mark anywhere
NEAR = 7  # words within which the signs of a rule stand

_Meanings = dict[str, frozenset[str]]  # the signs of each word


@dataclass(frozen=True, slots=True)
class Rule:
    signs: frozenset[str]
    without: frozenset[str] = frozenset()


def rule(text: str) -> Rule:
    """ "breath + cannot - question" as a Rule."""
    wanted, *without = text.split(" - ")
    return Rule(frozenset(sign.strip() for sign in wanted.split(" + ")), frozenset(sign.strip() for sign in without))


class Signs:
    """The signs of one language: `words` by sign, in normal form, one or several; "unconsc*" is every word that begins so."""

    def __init__(self, words: Mapping[str, Iterable[str]], language: str, harmless: Collection[str] = ()) -> None:
        self._language = language
        self._harmless = frozenset(harmless)
        exact, stem, beginnings = _Meanings(), _Meanings(), _Meanings()
        phrases: list[tuple[list[str], str]] = []
        for sign, listed in words.items():
            meant = frozenset([sign])
            for word in listed:
                if word.endswith("*"):
                    _add(beginnings, word[:-1], meant)
                elif " " in word:
                    phrases.append((word.split(), sign))
                else:
                    _add(exact, word, meant)
        for left, meant in zip(stems(exact, language), exact.values(), strict=True):
            _add(stem, left, meant)
        self._exact, self._stems, self._beginnings = exact, stem, beginnings
        self._lengths = sorted({len(letters) for letters in beginnings})
        self._phrases, self._signs = Runs((words for words, _ in phrases), harmless), [sign for _, sign in phrases]
        self._lexicon, self._stem_lexicon = Lexicon(self._exact), Lexicon(self._stems)

    def read(self, said: Sequence[str], *, exact: bool = False) -> list[set[str]]:
        """The signs that each of these words, in normal form, is or begins. `exact`: as it is listed, in no other form or spelling."""
        if exact:
            found = [set(self._exact.get(word, ())) for word in said]
        else:
            found = [self._of_word(word, stem) for word, stem in zip(said, stems(said, self._language), strict=True)]
        for number, at in self._phrases.standing(said, exact=exact):
            found[at].add(self._signs[number])
        return found

    def _of_word(self, word: str, stem: str) -> set[str]:
        found = set(self._exact.get(word, ())).union(self._stems.get(stem, ()))
        found.update(*(self._beginnings.get(word[:letters], ()) for letters in self._lengths))
        if not found and word not in self._harmless:
            for other in self._lexicon.typos(word):
                found |= self._exact[other]
            for other in self._stem_lexicon.typos(stem):
                found |= self._stems[other]
        return found


def _add(meanings: _Meanings, word: str, signs: frozenset[str]) -> None:
    known = meanings.get(word, signs)
    meanings[word] = known if signs <= known else known | signs


def shown(rules: Iterable[Rule], found: Sequence[set[str]]) -> range | None:
    """Where in a message with these signs the first of the rules holds; None when none does."""
    everywhere = set().union(*found)
    for each in rules:
        wanted = each.signs
        if not wanted <= everywhere:
            continue
        for at, signs in enumerate(found):
            if signs & wanted and wanted <= set().union(*found[at : at + NEAR]):
                spots = [spot for spot in range(at, min(at + NEAR, len(found))) if found[spot] & wanted]
                around = set().union(*found[max(at - NEAR, 0) : spots[-1] + NEAR + 1])
                if len(spots) >= len(wanted) and around.isdisjoint(each.without):  # a word is not two signs
                    return range(at, spots[-1] + 1)
    return None
