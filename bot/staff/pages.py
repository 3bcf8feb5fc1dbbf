"""The console's pages: templates filled with words of the reader's language, sent with headers that keep them private."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from babel import Locale
from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from bot.core.schedule import zone_of

LANGUAGES = ("en", "de")  # of the interface
HERE = Path(__file__).parent
_LOCALES = {"en": "en_GB"}  # the day before the month, and 24 hours
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Words:
    """The interface's words in one language; `words("key", blank="value")` says one."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.texts: Mapping[str, str] = yaml.safe_load((HERE / "words" / f"{code}.yaml").read_text())

    def __call__(self, key: str, /, **values: object) -> str:
        return self.texts[key].format(**values)

    def named(self, kind: str, value: str) -> str:
        """What is called `value` in the database, in words; as it is when there are none for it."""
        return self.texts.get(f"{kind}-{value}", value)

    def language(self, code: str) -> str:
        """The name of a language: "German"."""
        return str(Locale.parse(code).get_display_name(self.code) or code).capitalize() if code else ""

    def moment(self, at: datetime, zone: str) -> str:
        """ "Tue 24 Nov, 14:00" in the reader's zone."""
        return format_datetime(at, "EEE d MMM, HH:mm", tzinfo=zone_of(zone), locale=_LOCALES.get(self.code, self.code))

    def clock(self, at: datetime, zone: str) -> str:
        return format_datetime(at, "EEE HH:mm", tzinfo=zone_of(zone), locale=_LOCALES.get(self.code, self.code))

    def ahead(self, at: datetime, now: datetime) -> str:
        """ "in 2 hours"."""
        return str(format_timedelta(at - now, granularity="minute", threshold=1.5, add_direction=True, locale=self.code))

    def length(self, since: datetime, now: datetime) -> str:
        """ "3 days"."""
        return str(format_timedelta(now - since, granularity="minute", threshold=1.5, locale=self.code))


class Pages:
    """Every page of the console. `pages(page, language, …)` is the answer that shows one."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self.words = {code: Words(code) for code in LANGUAGES}

    def __call__(self, page: str, language: str, /, *, status: int = 200, **values: Any) -> HTMLResponse:
        words = self.words[language if language in self.words else LANGUAGES[0]]
        shown = self._templates.get_template(f"{page}.html").render(t=words, languages=LANGUAGES, **values)
        return HTMLResponse(shown, status, headers=HEADERS)


def preferred(accepted: str) -> str:
    """The language of the interface for an Accept-Language header, which lists the best first."""
    offered = (part.partition(";")[0].strip().partition("-")[0].lower() for part in accepted[:200].split(","))
    return next((code for code in offered if code in LANGUAGES), LANGUAGES[0])
