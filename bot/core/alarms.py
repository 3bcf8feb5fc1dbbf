"""What must be heard before anything else, in every language at once: people in fear write in their own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.core.phrases import Mention, Phrases
from bot.core.signs import Rule, Signs, shown

Alarm = Literal["crisis", "emergency", "advice"]


@dataclass(frozen=True, slots=True)
class Wording:
    """How one language says it, all in normal form."""

    code: str
    phrases: Mapping[Alarm, tuple[str, ...]]
    signs: Mapping[str, tuple[str, ...]]  # the words of each sign
    rules: Mapping[Alarm, tuple[Rule, ...]]  # which signs together mean it
    harmless: tuple[str, ...] = ()  # words that only look like one of these
    filler: tuple[str, ...] = ()  # small words that people leave out


class Alarms:
    def __init__(self, wordings: Iterable[Wording]) -> None:
        listed = tuple(wordings)
        harmless = frozenset(word for each in listed for word in each.harmless)
        self._phrases: dict[Alarm, list[Phrases]] = {
            kind: [Phrases(each.phrases.get(kind, ()), harmless, each.filler) for each in listed]
            for kind in ("crisis", "emergency", "advice")
        }
        self._signs = [(Signs(each.signs, each.code, harmless), each.rules) for each in listed]

    def heard(self, kind: Alarm, said: str) -> Mention | None:
        """What of this kind is in `said`, in normal form."""
        for phrases in self._phrases[kind]:
            if mention := phrases.mentioned(said):
                return mention
        words = said.split()
        for signs, rules in self._signs:
            where = shown(rules.get(kind, ()), signs.read(words)) if kind in rules else None
            if where is not None:
                return Mention(" ".join(words[where.start : where.stop]), " ".join(words[: where.start] + words[where.stop :]))
        return None


def unknown_signs(wording: Wording) -> Collection[str]:
    """Signs that rules name and nobody has listed words for."""
    named = {sign for rules in wording.rules.values() for rule in rules for sign in (*rule.signs, *rule.without)}
    return sorted(named - wording.signs.keys())
