"""What the content is made of: languages, pages, questions, and what is the same in all of them. Read from files by `bot.content`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from bot.core.alarms import Wording
from bot.core.markup import Document, plain
from bot.core.schedule import Hours, Window
from bot.core.search import Index

# Blanks that hold a number of days, told with the word for days in the form that number takes.
DAYS = frozenset({"retention_days", "contact_days"})
Context = Literal["none", "callback", "emergency"]
Flow = Literal["callback", "withdraw", "language", "erase", "feedback"]
Role = Literal["emergency", "crisis", "privacy", "sources", "talk"]
QuestionKind = Literal["phone", "email", "name", "language", "time", "timezone", "choice"]

# The blanks that stand for numbers of the person's own country, where it is known.
LOCAL = frozenset({"emergency", "emergency_area", "crisis_line", "crisis_country", "crisis_name", "crisis_phone", "crisis_times"})


@dataclass(frozen=True, slots=True)
class Source:
    title: str
    year: str = ""
    url: str = ""
    grade: str = ""  # A peer-reviewed or official … U unsourced (CONTENT: grades)


@dataclass(frozen=True, slots=True)
class Page:
    """One screen of the content. A page with children is a menu."""

    path: str  # "symptoms/eyes"; "" is the home menu
    title: str
    body: Document
    description: str = ""
    order: int = 0
    flow: Flow | None = None  # pressing the page starts this instead of showing the body alone
    hidden: bool = False  # in no menu; reached by what people write
    context: Context = "none"  # the extra button the page carries
    related: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    review: str = "pending"  # or "name, qualification; date"
    card: bool = False  # it brings the operator's contact card, where a messenger has such a thing
    children: tuple[str, ...] = ()

    @property
    def parent(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of the intake. Without an answer or a default it is asked, unless it is optional."""

    id: str
    kind: QuestionKind
    options: tuple[str, ...] = ()
    default: str = ""  # an option, or where to take it from: "profile", "conversation", "country"
    instead: str = ""  # the question whose answer makes this one unnecessary
    optional: bool = False
    on_summary: bool = False  # its options stand on the summary, one tap away


@dataclass(frozen=True, slots=True)
class Helpline:
    """A number to call in one country."""

    name: str
    phone: str
    source: str  # where it is published: the line itself or an official body
    hours: str = "24/7"


@dataclass(frozen=True, slots=True)
class Structure:
    """Everything that is the same in every language."""

    default_language: str
    questions: tuple[Question, ...]
    draft_expires: timedelta
    consent_version: str
    hours: Hours
    call_times: Mapping[str, Window]  # morning -> 09:00-12:00 in the caller's own zone
    call_languages: tuple[str, ...]
    default_region: str  # where a phone number without a country code is taken to be from
    values: Mapping[str, str]  # what fills the blanks of every text; "" is not filled in yet
    emergency_numbers: Mapping[str, Helpline]  # by country, where it is not the general one
    crisis_lines: Mapping[str, Helpline]
    pages: Mapping[Role, str]  # the pages with a part to play
    retention: timedelta  # how long a finished request is kept
    contact_retention: timedelta  # how long a person is remembered after their last message

    def question(self, name: str) -> Question | None:
        return next((question for question in self.questions if question.id == name), None)


@dataclass(frozen=True, slots=True)
class Canned:
    """A text prepared for staff, who send it to a caller as it is or changed."""

    id: str
    label: str  # for staff, in English
    text: str  # with the blanks {name} and {reference}; a line with an empty one falls away


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str  # in its own words: "Deutsch"
    direction: Literal["ltr", "rtl"]
    labels: Mapping[str, str]
    chat: Mapping[str, str]  # the words of the web page around the conversation
    texts: Mapping[str, Document]
    pages: Mapping[str, Page]
    about: Mapping[str, str]  # what a messenger shows of the bot beside its messages
    starters: tuple[str, ...]  # questions it offers to a new person
    menu: Mapping[str, str]  # the commands a messenger offers -> what they do, in words
    commands: Mapping[str, str]  # a word in normal form -> the target it opens
    index: Index
    wording: Wording  # of danger
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    canned: tuple[Canned, ...] = ()
    days: Mapping[str, str] = field(default_factory=dict)  # how days are counted, by plural form: other -> "{count} days"

    @property
    def everything(self) -> str:
        """All its words."""
        pages = (" ".join((page.title, page.description, *page.keywords, plain(page.body))) for page in self.pages.values())
        return "\n".join((*pages, *self.labels.values(), *self.commands, *self.index.noise))
