"""The shapes of the content files: which keys there are and what may stand in them."""

import re
from datetime import date, time
from typing import Annotated, Literal

from babel import Locale, UnknownLocaleError
from holidays import country_holidays
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.core.alarms import Alarm
from bot.core.material import Context, Flow, QuestionKind, Role
from bot.core.schedule import Window, is_zone


def _window(value: object) -> object:
    found = re.fullmatch(r"(\d\d:\d\d)-(\d\d:\d\d)", str(value))
    if not found:
        raise ValueError("must look like 09:00-17:00")
    start, end = (time.fromisoformat(clock) for clock in found.groups())
    if start >= end:
        raise ValueError("must end after it starts")
    return start, end


def _zone(value: object) -> object:
    if not is_zone(str(value)):
        raise ValueError("is not a time zone; write it like Europe/Berlin")
    return value


def _holidays(country: str) -> str:
    try:
        country_holidays(country)
    except NotImplementedError:
        raise ValueError("is no country whose holidays are known; write it like DE") from None
    return country


def _language(code: str) -> str:
    try:
        Locale.parse(code)
    except (ValueError, UnknownLocaleError):
        raise ValueError(f"{code!r} is not a language; write it like en") from None
    return code


def _review(value: str) -> str:
    found = re.fullmatch(r"pending|[^,;]+,[^;]+; (\d{4}-\d\d-\d\d)", value)
    try:
        known = found and date.fromisoformat(found[1] or "2000-01-01")
    except ValueError:
        known = None
    if not known:
        raise ValueError("must be pending, or look like Dr Ada Example, paediatric neurologist; 2026-11-30")
    return value


_Code = Annotated[str, AfterValidator(_language)]
_Window = Annotated[Window, BeforeValidator(_window)]
_Text = Annotated[str, BeforeValidator(lambda value: str(value).strip() if type(value) in (int, str) else value)]
# Thousands of words: one text of them is read many times as fast as a list, and needs no quotes.
_Listed = Annotated[tuple[str, ...], BeforeValidator(lambda value: _parted(value, _COMMA))]
_Lines = Annotated[tuple[str, ...], BeforeValidator(lambda value: _parted(value, _NEWLINE))]
_COMMA, _NEWLINE = re.compile("[,،]"), re.compile("\n")


def _parted(value: object, by: re.Pattern[str]) -> object:
    """The texts in one text; those of a list, stripped."""
    texts = by.split(str(value)) if type(value) in (int, str) else value
    if not isinstance(texts, list):
        return value
    stripped = [str(text).strip() if type(text) in (int, str) else text for text in texts]
    return [text for text in stripped if text != ""]


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Source(Shape):
    title: str
    year: _Text = ""
    url: str = ""
    grade: Literal["A", "B", "C", "U"] = "U"


class Words(Shape):
    """Front matter that every language has its own of."""

    title: str
    description: str = ""
    keywords: _Listed = ()
    review: Annotated[str, AfterValidator(_review)] = "pending"


class Facts(Words):
    """Front matter that stands in the default language and holds for all."""

    order: int = 0
    flow: Flow | None = None
    hidden: bool = False
    card: bool = False
    context: Context | None = None
    related: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    sources: tuple[_Source, ...] = ()


class _Hours(Shape):
    zone: Annotated[str, BeforeValidator(_zone)]
    holidays: Annotated[str, AfterValidator(_holidays)]
    answer_within_hours: Annotated[float, Field(gt=0, le=200)]
    week: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], tuple[_Window, ...]]

    @model_validator(mode="after")
    def _opens(self) -> "_Hours":
        if not any(self.week.values()):
            raise ValueError("the office must be open on some day")
        return self


class _Question(Shape):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
    kind: QuestionKind
    options: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")], ...] = ()
    default: str = ""
    instead: str = ""
    optional: bool = False
    on_summary: bool = False


class _Intake(Shape):
    expires_hours: Annotated[float, Field(gt=0)]
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    call_languages: tuple[_Code, ...]
    call_times: dict[str, _Window]
    questions: tuple[_Question, ...]


class _Privacy(Shape):
    consent_version: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,20}$")]
    retention_days: Annotated[int, Field(gt=0)]
    contact_days: Annotated[int, Field(gt=0)]


def _country(code: str) -> str:
    if len(code) != 2 or code not in Locale("en").territories:
        raise ValueError(f"{code!r} is not a country; write it like DE")
    return code


_Country = Annotated[str, AfterValidator(_country)]


class _Helpline(Shape):
    name: Annotated[str, Field(min_length=2, max_length=60)]
    phone: Annotated[str, Field(pattern=r"^\+?\d[\d -]{0,18}\d$")]
    source: Annotated[str, Field(pattern=r"^https://[^\s]+$")]
    hours: Annotated[str, Field(min_length=3, max_length=30)] = "24/7"


class StructureFile(Shape):
    default_language: _Code
    operator: dict[str, _Text | None]
    emergency: dict[str, _Text]
    emergency_numbers: dict[_Country, _Helpline] = {}
    crisis_lines: dict[_Country, _Helpline] = {}
    pages: dict[Role, str]
    hours: _Hours
    privacy: _Privacy
    intake: _Intake


class _Canned(Shape):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")]
    label: str
    text: str


class ExamplesFile(Shape):
    """Messages as people write them, a line each."""

    pages: dict[str, _Lines] = {}  # questions each page answers
    emergency: _Lines = ()
    crisis: _Lines = ()
    advice: _Lines = ()
    other: _Lines = ()  # about nothing of ours


class TextsFile(Shape):
    name: str
    direction: Literal["ltr", "rtl"]
    labels: dict[str, str]
    chat: dict[str, str]
    about: dict[str, str]
    menu: dict[str, str]
    starters: tuple[_Text, ...]
    texts: dict[str, str]
    days: dict[str, _Text] = {}
    canned: tuple[_Canned, ...] = ()
    commands: dict[str, _Listed]
    emergency: _Listed
    crisis: _Listed
    advice: _Listed = ()
    signs: dict[str, _Listed] = {}
    danger: dict[Alarm, tuple[Annotated[str, Field(pattern=r"^[a-z_]+( \+ [a-z_]+)*( - [a-z_]+)*$")], ...]] = {}
    harmless: _Listed = ()
    filler: _Listed = ()
    yes_words: _Listed
    no_words: _Listed
    noise: _Listed = ()
    elsewhere: _Listed = ()
