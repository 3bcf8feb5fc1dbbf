"""Opening hours: when a caller may expect us, when a request is due, and the hours as people read them.

One object answers all three, so what is promised, what staff are held to and what is printed cannot differ.
Times are aware; office hours are local to the office.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_date_format, get_datetime_format, get_day_names, get_timezone_location

Window = tuple[time, time]
Span = tuple[datetime, datetime]  # in UTC
_YEAR_AHEAD = 370  # days searched for office hours before giving up
_LOCALES = {"en": "en_GB"}  # the day before the month, and 24 hours
_DAYS_AROUND = 14  # days searched for a wished window before it is taken to be impossible


@dataclass(frozen=True, slots=True, eq=False)  # one object, so what follows from it can be remembered
class Hours:
    zone: str  # IANA name of the office's time zone
    week: Mapping[int, tuple[Window, ...]]  # 0 is Monday
    answer_within: timedelta  # of office time, counted from the request
    holidays: Mapping[date, str]

    def open_on(self, day: date) -> tuple[Window, ...]:
        return () if day in self.holidays else self.week.get(day.weekday(), ())

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.zone))
        return any(start <= local.time() < end for start, end in self.open_on(local.date()))

    def due(self, asked: datetime, window: Window | None = None, zone: str = "") -> datetime:
        """The moment, in UTC, by which we promise to have called.

        `answer_within` of office time after `asked`; with a wished `window` of the caller's clock in `zone`, the
        end of the next such window the office is open in (a window it is never open in changes nothing).
        """
        by = self._after_office_time(asked)
        ends = (end for _, end in self._meetings(window, zone, by) if end >= by) if window else iter(())
        return next(ends, by)

    def meets(self, window: Window, zone: str, now: datetime) -> bool:
        """Whether the office is ever open in that window of the caller's clock."""
        return bool(self._meetings(window, zone, now))

    def _meetings(self, window: Window, zone: str, since: datetime) -> tuple[Span, ...]:
        return _meetings(self, window, zone, since.astimezone(zone_of(zone)).date())

    def _after_office_time(self, asked: datetime) -> datetime:
        left = self.answer_within
        first = asked.astimezone(ZoneInfo(self.zone)).date()
        for ahead in range(_YEAR_AHEAD):
            for opens, closes in _spans(self, first + timedelta(days=ahead)):
                begin = max(opens, asked.astimezone(UTC))
                if closes - begin >= left:
                    return begin + left
                left -= max(closes - begin, timedelta())
        raise ValueError("the office never opens: structure.yaml, hours.week")


@lru_cache(1024)
def _meetings(hours: Hours, window: Window, zone: str, first: date) -> tuple[Span, ...]:
    """When, in the two weeks from the day `first` on, the office is open in the window."""
    found = []
    for ahead in range(_DAYS_AROUND):
        day = first + timedelta(days=ahead)
        start, end = (_utc(day, edge, zone) for edge in window)
        for near in (day - timedelta(days=1), day, day + timedelta(days=1)):
            for opens, closes in _spans(hours, near):
                if max(start, opens) < min(end, closes):
                    found.append((max(start, opens), min(end, closes)))
    return tuple(found)


@lru_cache(1024)
def _spans(hours: Hours, day: date) -> tuple[Span, ...]:
    """When the office is open on a day of its own calendar."""
    return tuple((_utc(day, start, hours.zone), _utc(day, end, hours.zone)) for start, end in hours.open_on(day))


def _utc(day: date, clock: time, zone: str) -> datetime:
    # Differences across a change of the clocks are right only in UTC.
    return datetime.combine(day, clock, zone_of(zone)).astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """The time zone called `name`, UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def is_zone(name: str) -> bool:
    """Whether `name` is a place's zone; "Factory" and "localtime" are names, too, and no places."""
    return name == "UTC" or ("/" in name and zone_of(name).key != "UTC")


def spoken_moment(at: datetime, zone: str, language: str) -> str:
    """ "Tuesday 24 November, 14:00" in the reader's zone and the form of their language."""
    return format_datetime(at, _moment_form(language), tzinfo=zone_of(zone), locale=_LOCALES.get(language, language))


@cache
def _moment_form(language: str) -> str:
    """CLDR's pattern of a full date, without the year, and a time."""
    locale = _LOCALES.get(language, language)
    day = re.sub(r"[\s,،]*y+(\s*'[^']*')?\.?", "", get_date_format("full", locale=locale).pattern)
    return str(get_datetime_format("medium", locale=locale)).replace("{1}", day).replace("{0}", "HH:mm")


def spoken_day(day: date, language: str) -> str:
    """ "30 November 2026" in the reader's language."""
    return format_date(day, "d MMMM y", locale=language)


def spoken_clock(at: datetime, zone: str) -> str:
    return f"{at.astimezone(zone_of(zone)):%H:%M}"


def spoken_window(window: Window, day: date, zone: str, reader: str) -> str:
    """A window of `zone`'s clock on `day`, as the clock shows it in `reader`: "9:00-12:00" -> "07:00-10:00"."""
    moments = (datetime.combine(day, edge, zone_of(zone)) for edge in window)
    return "–".join(spoken_clock(at, reader) for at in moments)


def spoken_week(hours: Hours, language: str) -> str:
    """The opening hours, days of the same hours together: "Mon–Fri 09:00–17:00"."""
    names = get_day_names("abbreviated", locale=language)
    groups: list[tuple[int, int, tuple[Window, ...]]] = []
    for day in range(7):
        windows = hours.week.get(day, ())
        if groups and groups[-1][2] == windows:
            groups[-1] = (groups[-1][0], day, windows)
        else:
            groups.append((day, day, windows))
    spoken = []
    for first, last, windows in groups:
        if windows:
            days = names[first] if first == last else f"{names[first]}–{names[last]}"
            spoken.append(f"{days} " + ", ".join(f"{a:%H:%M}–{b:%H:%M}" for a, b in windows))
    return "; ".join(spoken)


def city(zone: str) -> str:
    """ "America/New_York" -> "New York"."""
    return zone.rpartition("/")[2].replace("_", " ")


@lru_cache(2048)
def spoken_city(zone: str, language: str) -> str:
    """ "Europe/Moscow" -> "Москва"."""
    return city(zone) if zone == "UTC" else get_timezone_location(zone_of(zone), locale=language, return_city=True).rpartition("/")[2]
