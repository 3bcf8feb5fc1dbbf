"""What the bot says, as one thing, with what follows from it."""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from babel import Locale

from bot.core.alarms import Alarms
from bot.core.languages import Speech
from bot.core.likeness import Kinds, Reader, Topics
from bot.core.markup import Document, blanks, fill
from bot.core.material import DAYS, LOCAL, Flow, Language, Structure
from bot.core.model import Button, Reply


@dataclass(frozen=True)  # no slots: what follows from it is worked out once
class Content:
    structure: Structure
    languages: Mapping[str, Language]
    commands: Mapping[str, str] = field(default_factory=dict)  # the words of all languages together

    def prepare(self) -> None:
        """Works out what follows from it, so that nobody has to wait for that."""
        _ = self.alarms, self.speech, self.yes, self.no, self.bodies, self.local, self.flows, self.menus

    def learn(self) -> None:
        """Learns from the examples: seconds of work, for another thread. Before, people are understood a little less well."""
        for language in self.languages.values():
            learners = (language.wording.like, language.index.topics, language.index.others)
            reader = Reader(learners)
            for learner in learners:
                learner.learn(reader)

    def learnt(self) -> bytes:
        """What it has learnt, to be carried into another process."""
        return pickle.dumps(self._learners, pickle.HIGHEST_PROTOCOL)

    def adopt(self, learnt: bytes) -> None:
        """Takes over what the same content has learnt in another process."""
        for mine, other in zip(self._learners, pickle.loads(learnt), strict=True):  # noqa: S301 ours
            vars(mine).update(vars(other))

    @property
    def _learners(self) -> list[Kinds | Topics]:
        return [
            each for language in self.languages.values() for each in (language.wording.like, language.index.topics, language.index.others)
        ]

    # Of every language together: people in fear write in their own.

    @cached_property
    def alarms(self) -> Alarms:
        return Alarms(language.wording for language in self.languages.values())

    @cached_property
    def yes(self) -> frozenset[str]:
        return frozenset(self._all(lambda language: language.yes))

    @cached_property
    def no(self) -> frozenset[str]:
        return frozenset(self._all(lambda language: language.no))

    @cached_property
    def bodies(self) -> Mapping[tuple[str, str], Document]:
        """The text of every page, by language and path, its blanks filled for a person of no known country."""
        pages = ((code, page) for code, language in self.languages.items() for page in language.pages.values())
        return {(code, page.path): fill(page.body, self.values(code)) for code, page in pages}

    @cached_property
    def local(self) -> frozenset[tuple[str, str]]:
        """The pages, by language and path, that name numbers of the person's country."""
        pages = ((code, page) for code, language in self.languages.items() for page in language.pages.values())
        return frozenset((code, page.path) for code, page in pages if not LOCAL.isdisjoint(blanks(page.body)))

    @cached_property
    def _local_values(self) -> dict[tuple[str, str], Mapping[str, str]]:
        return {}  # filled as people of these countries come

    @cached_property
    def _local_bodies(self) -> dict[tuple[str, str, str], Document]:
        return {}

    def values(self, code: str, country: str = "") -> Mapping[str, str]:
        """What fills the blanks of texts in this language, for a person of that country."""
        country = country if country in self.structure.emergency_numbers or country in self.structure.crisis_lines else ""
        if (code, country) not in self._local_values:
            language = self.languages[code]
            days = {name: counted_days(language, self.structure.values[name]) for name in DAYS & self.structure.values.keys()}
            self._local_values[code, country] = {**self.structure.values, **days, **local_values(self.structure, language, country)}
        return self._local_values[code, country]

    def body(self, code: str, path: str, country: str = "") -> Document:
        """The text of a page, with the numbers of the person's country where it names any."""
        known = country in self.structure.emergency_numbers or country in self.structure.crisis_lines
        if not known or (code, path) not in self.local:
            return self.bodies[code, path]
        if (code, path, country) not in self._local_bodies:
            body = fill(self.languages[code].pages[path].body, self.values(code, country))
            self._local_bodies[code, path, country] = body
            self.documents.append(body)
        return self._local_bodies[code, path, country]

    @cached_property
    def documents(self) -> list[Document]:
        """The texts of pages that stay as they are, and say nothing about anybody. It grows, as people of other countries come."""
        return list(self.bodies.values())

    @cached_property
    def drawn(self) -> dict[tuple[object, ...], Reply]:
        """Screens that look the same for many people, as they were drawn once; kept by `screens`."""
        return {}

    @cached_property
    def flows(self) -> Mapping[tuple[str, Flow], Document]:
        """The same of the page of each flow."""
        pages = ((code, page) for code, language in self.languages.items() for page in language.pages.values())
        return {(code, page.flow): self.bodies[code, page.path] for code, page in pages if page.flow}

    @cached_property
    def speech(self) -> Speech:
        return Speech({code: language.everything for code, language in self.languages.items()})

    @cached_property
    def page_buttons(self) -> Mapping[tuple[str, str], Button]:
        """The button that leads to each page, by language and path."""
        pages = ((code, page) for code, language in self.languages.items() for page in language.pages.values())
        return {(code, page.path): Button(f"page:{page.path}", page.title, page.description) for code, page in pages}

    @cached_property
    def menus(self) -> Mapping[tuple[str, str], tuple[Button, ...]]:
        """Those of the pages below each page."""
        pages = ((code, page) for code, language in self.languages.items() for page in language.pages.values())
        return {(code, page.path): tuple(self.page_buttons[code, child] for child in page.children) for code, page in pages}

    def _all(self, of: Callable[[Language], tuple[str, ...]]) -> list[str]:
        return [phrase for language in self.languages.values() for phrase in of(language)]

    def language(self, code: str) -> Language:
        """The language asked for ("de-AT" finds "de"), else the default one."""
        found = self.languages.get(code) or self.languages.get(code.partition("-")[0].lower())
        return found or self.languages[self.structure.default_language]


def counted_days(language: Language, number: str) -> str:
    """So many days as the language says it: "1 day", "21 день", "30 дней". The bare number where it lacks that form."""
    form = Locale.parse(language.code).plural_form(int(number))
    return language.days.get(form, "{count}").replace("{count}", number)


def local_values(structure: Structure, language: Language, country: str) -> dict[str, str]:
    """The `LOCAL` blanks for a person of this country ("" when it is not known). A line with an empty one falls away."""
    emergency, crisis = structure.emergency_numbers.get(country), structure.crisis_lines.get(country)
    name = Locale.parse(language.code).territories.get(country, country)
    values = {"emergency_area": language.labels.get("emergency-area", "")}
    values |= dict.fromkeys(("crisis_country", "crisis_name", "crisis_phone", "crisis_times"), "")
    if emergency:
        values |= {"emergency": emergency.phone, "emergency_area": name}
    if crisis:
        values |= {"crisis_country": name, "crisis_name": crisis.name, "crisis_phone": crisis.phone, "crisis_times": crisis.hours}
        values |= {"crisis_line": ""}  # the general one
    return values
