"""Which language somebody speaks: from where they are, and from what they write."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from sys import intern

from babel.core import get_global

from bot.core.words import normal, whole

_MOST = 50.0  # per cent of a country's people who speak a language, from which strangers there are greeted in it
_WORD = r"\b(?!\d+\b)\w+"  # digits stand for letters where Arabic is written in Latin ones
_ALONE = 6  # letters of a single word that are enough to tell a language
_LEAD = 0.3  # of the words of a message, that more are known in another language than in the present one


def of_country(region: str, available: Collection[str]) -> str:
    """The one of the `available` languages that most people in a country speak ("KZ": "ru"); "" where it is none of them. Source: CLDR."""
    spoken: Mapping[str, Mapping[str, object]] = get_global("territory_languages").get(region, {})
    shares: dict[str, float] = {}
    for code, facts in spoken.items():
        share = facts["population_percent"]
        if facts["official_status"] and isinstance(share, int | float):
            shares[code.partition("_")[0]] = shares.get(code.partition("_")[0], 0.0) + share
    code, share = max(((code, shares.get(code, 0.0)) for code in available), key=lambda each: each[1], default=("", 0.0))
    return code if share >= _MOST else ""


@dataclass(frozen=True, slots=True)
class Written:
    """What tells the language of a text."""

    normal: str  # the text as it is compared
    words: tuple[str, ...]
    script: str


def written(text: str) -> Written:
    normalised = normal(text)
    return Written(normalised, tuple(re.findall(_WORD, normalised)), script(text))


class Speech:
    """Tells languages apart by their script and the words of their texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """All that is written in each language."""
        self._words = {code: frozenset(map(intern, re.findall(_WORD, whole(text)))) for code, text in texts.items()}
        self._scripts = {code: script(text) for code, text in texts.items()}

    def of(self, said: Written, now: str) -> str:
        """The language of `said`: `now`, unless it is clearly another."""
        words = said.words
        if not words or not said.script:
            return now
        if self._scripts[now] != said.script and self._words[now].issuperset(words):
            return now  # the name of a medicine, in Latin letters everywhere
        known = {code: [word for word in words if word in self._words[code]] for code in self._words if self._scripts[code] == said.script}
        if not known:
            return now
        best = max(known, key=lambda code: (len(known[code]), code == now))
        if now not in known:  # another script: who else could have written that, unless these are words of ours in other letters
            return best if len(known[best]) >= sum(word in self._words[now] for word in words) else now
        ahead = len(known[best]) - len(known[now])
        telling = len(known[best]) > 1 or any(len(word) >= _ALONE for word in known[best])
        return best if telling and ahead / len(words) >= _LEAD else now


def script(text: str) -> str:
    """The script most letters of `text` are in ("LATIN", "CYRILLIC", "ARABIC"), "" without letters."""
    found: Counter[str] = Counter()
    for letter, times in Counter(filter(str.isalpha, text[:2000])).items():
        found[unicodedata.name(letter, "").partition(" ")[0]] += times
    return found.most_common(1)[0][0] if found else ""
