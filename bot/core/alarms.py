"""What must be heard before anything else, in every language at once: people in fear write in their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from bot.core.likeness import Cut, Kinds, pieces
from bot.core.phrases import Meant, Mention, Phrases, exactly, guessing
from bot.core.signs import ASKED, Rule, Rules, Signs
from bot.core.words import Lexicon

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

    def __reduce__(self) -> tuple[object, ...]:
        """Into another process goes what is still needed there: `Alarms` goes too, and was made of all the rest, 2 MB."""
        return Wording, (self.code, {}, {}, {}, (), (), self.like)


class Alarms:
    def __init__(self, wordings: Iterable[Wording]) -> None:
        listed = tuple(wordings)
        self._harmless = frozenset(word for each in listed for word in each.harmless)
        self._phrases = {each.code: Phrases(each.phrases, each.filler) for each in listed}
        self._like = {each.code: each.like for each in listed}
        self._signs = {each.code: (Signs(each.signs, each.code, self._harmless), Rules(each.rules)) for each in listed}
        self._lexicons = {code: Lexicon(chain(phrases.words, self._signs[code][0].words)) for code, phrases in self._phrases.items()}

    def heard(self, said: str, languages: Collection[str], *, asked: bool = False, cut: Cut = pieces) -> Heard:
        """What of each kind is in `said`, in normal form; `asked`: with a question mark; `cut`: as in `search.look_up`.

        Words in other forms and mistyped ones are understood in these languages; in the others, what looks like a
        mistyped word is mostly a good one of these.
        """
        found: dict[Alarm, Mention] = {}
        meant: Mapping[str, Meant] = {
            code: guessing(lexicon, self._harmless) if code in languages else exactly for code, lexicon in self._lexicons.items()
        }
        for code, phrases in self._phrases.items():
            found = dict(phrases.mentioned(said, meant[code])) | found
        words = said.split()
        for code, (signs, rules) in self._signs.items():
            if found.keys() >= rules.kinds:
                continue
            shows = signs.read(words, meant[code])
            if asked:
                shows = [signs_ | {ASKED} for signs_ in shows]
            shown = {
                kind: Mention(" ".join(words[where.start : where.stop]), " ".join(words[: where.start] + words[where.stop :]))
                for kind, where in rules.shown(shows).items()
            }
            found = shown | found
        return found or self._alike(said, languages, cut)

    def _alike(self, said: str, languages: Collection[str], cut: Cut) -> Heard:
        """What `said` is written like, when no words of it tell."""
        words = said.split()
        meant = {self._like[code].of(words, cut) for code in languages} if len(words) >= _FEW else set()
        return {kind: Mention(said, "", surely=False) for kind in KINDS if kind in meant}


def unknown_signs(wording: Wording) -> Collection[str]:
    """Signs that rules name and nobody has listed words for."""
    named = {sign for rules in wording.rules.values() for rule in rules for sign in (*rule.signs, *rule.without)}
    return sorted(named - wording.signs.keys() - {ASKED})
