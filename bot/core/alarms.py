"""What must be heard before anything else, in every language at once: people in fear write in their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.core.likeness import Kinds
from bot.core.phrases import Mention, Phrases
from bot.core.signs import ASKED, Rule, Signs, shown

Alarm = Literal["crisis", "emergency", "advice"]
KINDS: tuple[Alarm, ...] = ("crisis", "emergency", "advice")
_FEW = 3  # words below which a likeness tells nothing

Heard = Mapping[Alarm, Mention]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language says it, all in normal form."""

    code: str
    phrases: Mapping[Alarm, tuple[str, ...]]
    signs: Mapping[str, tuple[str, ...]]  # the words of each sign
    rules: Mapping[Alarm, tuple[Rule, ...]]  # which signs together mean it
    harmless: tuple[str, ...] = ()  # words that only look like one of these
    filler: tuple[str, ...] = ()  # small words that people leave out
    like: Kinds = field(default_factory=Kinds)  # what is written like examples of it


class Alarms:
    def __init__(self, wordings: Iterable[Wording]) -> None:
        listed = tuple(wordings)
        harmless = frozenset(word for each in listed for word in each.harmless)
        self._phrases = {each.code: Phrases(each.phrases, harmless, each.filler) for each in listed}
        self._like = {each.code: each.like for each in listed}
        self._signs = {each.code: (Signs(each.signs, each.code, harmless), each.rules) for each in listed}

    def heard(self, said: str, languages: Collection[str], *, asked: bool = False) -> Heard:
        """What of each kind is in `said`, in normal form; `asked`: with a question mark.

        Words in other forms and mistyped ones are understood in these languages; in the others, what looks like a
        mistyped word is mostly a good one of these.
        """
        found: dict[Alarm, Mention] = {}
        for code, phrases in self._phrases.items():
            found = dict(phrases.mentioned(said, exact=code not in languages)) | found
        words = said.split()
        for code, (signs, rules) in self._signs.items():
            if not rules.keys() - found.keys():
                continue
            shows = signs.read(words, exact=code not in languages)
            if asked:
                shows = [signs_ | {ASKED} for signs_ in shows]
            for kind in rules.keys() - found.keys():
                if (where := shown(rules[kind], shows)) is not None:
                    found[kind] = Mention(" ".join(words[where.start : where.stop]), " ".join(words[: where.start] + words[where.stop :]))
        return found or self._alike(said, languages)

    def _alike(self, said: str, languages: Collection[str]) -> Heard:
        """What `said` is written like, when no words of it tell."""
        words = said.split()
        meant = {self._like[code].of(words) for code in languages} if len(words) >= _FEW else set()
        return {kind: Mention(said, "", surely=False) for kind in KINDS if kind in meant}


def unknown_signs(wording: Wording) -> Collection[str]:
    """Signs that rules name and nobody has listed words for."""
    named = {sign for rules in wording.rules.values() for rule in rules for sign in (*rule.signs, *rule.without)}
    return sorted(named - wording.signs.keys() - {ASKED})
