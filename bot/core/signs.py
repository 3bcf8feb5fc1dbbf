"""Danger in any words: signs of it that stand near each other.

Nobody can list all sentences in which somebody does not breathe. The content lists instead the words of each sign
("breath": breathe, breathing, air …; "cannot": not, stopped, hardly …) and which signs together mean danger
("breath + cannot", "lips + blue", "seizure - question": without any of the latter).
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from sys import intern
from typing import Generic

from bot.core.phrases import Kind, Meant, Runs, exactly
from bot.core.words import Lexicon, packed, stems

ASKED = "asked"  # the sign of a question mark anywhere
NEAR = 7  # words within which the signs of a rule stand

_NONE: frozenset[str] = frozenset()
_Meanings = dict[str, frozenset[str]]  # the signs of each word


@dataclass(frozen=True, slots=True)
class Rule:
    signs: frozenset[str]
    without: frozenset[str] = frozenset()


def rule(text: str) -> Rule:
    """ "breath + cannot - question" as a Rule."""
    wanted, *without = text.split(" - ")
    return Rule(frozenset(intern(sign.strip()) for sign in wanted.split(" + ")), frozenset(map(intern, map(str.strip, without))) or _NONE)


class Signs:
    """The signs of one language: `words` by sign, in normal form, one or several; "unconsc*" is every word that begins so."""

    def __init__(self, words: Mapping[str, Iterable[str]], language: str, harmless: Collection[str] = ()) -> None:
        """`harmless`: words that are none of these in another form."""
        self._language = language
        self._harmless = harmless
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
        self._phrases, self._signs = Runs(words for words, _ in phrases), [sign for _, sign in phrases]
        self._stem_lexicon = Lexicon(self._stems)

    @property
    def words(self) -> Iterator[str]:
        """Those that may be mistyped."""
        return chain(self._exact, self._phrases.words)

    def read(self, said: Sequence[str], meant: Meant = exactly) -> list[Set[str]]:
        """The signs that each of these words, in normal form, is or begins; `exactly`: as it is listed, in no other form or spelling."""
        found: list[Set[str]]
        if meant is exactly:
            found = [self._exact.get(word, _NONE) for word in said]
        else:
            found = [self._of_word(word, stem, meant) for word, stem in zip(said, stems(said, self._language), strict=True)]
        for number, at in self._phrases.standing(said, meant):
            found[at] = found[at] | {self._signs[number]}
        return found

    def _of_word(self, word: str, stem: str, meant: Meant) -> Set[str]:
        found = set(self._exact.get(word, _NONE)).union(self._stems.get(stem, _NONE))
        for letters in self._lengths:
            if begun := self._beginnings.get(word[:letters]):
                found |= begun
        if not found and word not in self._harmless:
            for other in meant(word):
                found |= self._exact.get(other, _NONE)
            for other in self._stem_lexicon.typos(stem):
                found |= self._stems[other]
        return found


def _add(meanings: _Meanings, word: str, signs: frozenset[str]) -> None:
    known = meanings.get(word, signs)
    meanings[word] = known if signs <= known else known | signs


class Rules(Generic[Kind]):
    """The rules of one language, by what they mean, made ready to be looked for.

    There are hundreds: each is looked at only when the sign of it that the fewest others have was read.
    """

    def __init__(self, rules: Mapping[Kind, Iterable[Rule]]) -> None:
        self._rules = [(kind, each) for kind, listed in rules.items() for each in listed]
        holding: defaultdict[str, list[int]] = defaultdict(list)
        often = Counter(sign for _, each in self._rules for sign in each.signs)
        for number, (_, each) in enumerate(self._rules):
            holding[min(sorted(each.signs), key=often.__getitem__)].append(number)
        self._with = packed(holding)
        self.kinds = frozenset(rules)

    def shown(self, found: Sequence[Set[str]]) -> dict[Kind, range]:
        """Where in a message with these signs the first rule of each kind holds; kinds of which none does are left out."""
        everywhere = set().union(*found)
        held: dict[Kind, range] = {}
        for number in sorted(chain.from_iterable(self._with.get(sign, ()) for sign in everywhere)):
            kind, each = self._rules[number]
            if kind not in held and each.signs <= everywhere and (where := _where(each, found)) is not None:
                held[kind] = where
        return held


def _where(rule: Rule, found: Sequence[Set[str]]) -> range | None:
    """Where in a message with these signs the rule holds; None when it does not."""
    wanted = rule.signs
    for at, signs in enumerate(found):
        if not wanted.isdisjoint(signs) and wanted <= set().union(*found[at : at + NEAR]):
            spots = [spot for spot in range(at, min(at + NEAR, len(found))) if found[spot] & wanted]
            around = set().union(*found[max(at - NEAR, 0) : spots[-1] + NEAR + 1])
            if len(spots) >= len(wanted) and around.isdisjoint(rule.without):  # a word is not two signs
                return range(at, spots[-1] + 1)
    return None
