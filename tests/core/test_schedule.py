"""Opening hours: what is promised over nights, week-ends, holidays, a change of the clocks, and in other zones."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.core.schedule import Hours, city, is_zone, spoken_moment, spoken_week, spoken_window, zone_of

NINE_TO_FIVE = ((time(9), time(17)),)
HOURS = Hours(
    zone="Europe/Berlin",
    week=dict.fromkeys(range(5), NINE_TO_FIVE),
    answer_within=timedelta(hours=8),
    holidays={date(2026, 12, 25): "Christmas", date(2026, 12, 26): "Christmas", date(2027, 1, 1): "New Year"},
)
MORNING, AFTERNOON, EVENING = (time(9), time(12)), (time(12), time(17)), (time(17), time(20))


def berlin(clock: str) -> datetime:
    return datetime.fromisoformat(clock).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23 09:00", "2026-11-23 17:00"),  # a whole office day ahead
        ("2026-11-23 10:00", "2026-11-24 10:00"),  # the rest counts on the next day
        ("2026-11-23 06:00", "2026-11-23 17:00"),  # before opening, nothing counts yet
        ("2026-11-23 17:00", "2026-11-24 17:00"),  # closing time is closed
        ("2026-11-27 16:00", "2026-11-30 16:00"),  # Friday to Monday
        ("2026-11-28 12:00", "2026-11-30 17:00"),  # Saturday
        ("2026-12-24 16:00", "2026-12-28 16:00"),  # holidays and a week-end between
        ("2026-12-31 16:00", "2027-01-04 16:00"),  # over the year
        ("2026-03-27 16:00", "2026-03-30 16:00"),  # clocks go forward on the 29th
        ("2026-10-23 16:00", "2026-10-26 16:00"),  # clocks go back on the 25th
    ],
)
def test_due_counts_office_time(asked: str, due: str) -> None:
    """The promise is eight hours of office time after the request, whatever lies between."""
    assert HOURS.due(berlin(asked)) == berlin(due)


def test_due_counts_real_hours_across_a_change_of_the_clocks() -> None:
    """An office that is open through the night the clocks go forward has one hour less in it."""
    always = replace(HOURS, week={day: ((time(0), time(23, 59, 59)),) for day in range(7)}, answer_within=timedelta(hours=4))
    assert always.due(berlin("2026-03-29 00:00")) == berlin("2026-03-29 05:00")
    assert always.due(berlin("2026-10-25 00:00")) == berlin("2026-10-25 03:00")


def test_a_lunch_break_does_not_count() -> None:
    """Several windows of a day are counted one after the other."""
    broken = replace(HOURS, week={day: ((time(9), time(12)), (time(14), time(17))) for day in range(5)}, answer_within=timedelta(hours=4))
    assert broken.due(berlin("2026-11-23 10:00")) == berlin("2026-11-23 16:00")
    assert not broken.is_open(berlin("2026-11-23 13:00"))


@pytest.mark.parametrize(
    ("asked", "window", "zone", "due"),
    [
        ("2026-11-23 09:30", MORNING, "Europe/Berlin", "2026-11-24 12:00"),
        ("2026-11-23 10:00", AFTERNOON, "Europe/Berlin", "2026-11-24 17:00"),
        ("2026-11-27 16:00", MORNING, "Europe/Berlin", "2026-12-01 12:00"),  # Monday morning is over by 16:00
        ("2026-11-23 10:00", MORNING, "America/New_York", "2026-11-24 17:00"),  # 15:00-18:00 in Berlin, cut at closing
        ("2026-11-23 10:00", MORNING, "Asia/Tokyo", "2026-11-24 10:00"),  # 01:00-04:00 in Berlin: never, changes nothing
        ("2026-11-23 10:00", EVENING, "Europe/Istanbul", "2026-11-24 17:00"),  # 15:00-18:00 in Berlin
        ("2026-12-23 16:00", MORNING, "Europe/Berlin", "2026-12-28 12:00"),  # 24th at 16:00 is after its morning
    ],
)
def test_due_in_a_wished_window(asked: str, window: tuple[time, time], zone: str, due: str) -> None:
    """With a wished window the promise is the end of the next one, as far as the office is open in it."""
    assert HOURS.due(berlin(asked), window, zone) == berlin(due)


def test_an_office_that_never_opens_is_an_error() -> None:
    """No opening hours would promise a call for ever; the message names the place to correct."""
    with pytest.raises(ValueError, match=r"hours\.week"):
        replace(HOURS, week={}).due(berlin("2026-11-23 10:00"))


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        ("2026-11-23 09:00", True),
        ("2026-11-23 16:59", True),
        ("2026-11-23 17:00", False),
        ("2026-12-25 10:00", False),
        ("2026-11-22 10:00", False),
    ],
)
def test_open_from_the_first_minute_to_before_the_last(at: str, open_: bool) -> None:
    """Opening counts, closing does not; holidays and Sundays are closed."""
    assert HOURS.is_open(berlin(at).astimezone(UTC)) is open_


def test_times_are_spoken_by_the_readers_clock() -> None:
    """One moment reads differently in Madrid, Istanbul and Arabic, but is the same moment."""
    at = berlin("2026-11-24 14:00")
    assert spoken_moment(at, "Europe/Istanbul", "en") == "Tuesday, 24 November, 16:00"
    assert spoken_moment(at, "Europe/Madrid", "de") == "Dienstag, 24. November, 14:00"
    assert spoken_window(MORNING, date(2026, 11, 24), "America/New_York", "Europe/Berlin") == "15:00–18:00"


def test_the_week_is_spoken_in_groups() -> None:
    """Days of the same hours stand together, closed days are left out."""
    assert spoken_week(HOURS, "en") == "Mon–Fri 09:00–17:00"
    short_friday = replace(HOURS, week={**HOURS.week, 4: ((time(9), time(12)), (time(13), time(15)))})
    assert spoken_week(short_friday, "en") == "Mon–Thu 09:00–17:00; Fri 09:00–12:00, 13:00–15:00"


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "x" * 300, "a\0b"])
def test_an_unknown_zone_is_utc_and_no_error(name: str) -> None:
    """Whatever stands where a zone is expected, the clock of UTC is used and `is_zone` says no."""
    assert zone_of(name).key == "UTC"
    assert not is_zone(name)


def test_a_zone_is_shown_as_its_city() -> None:
    """ "America/New_York" is New York to its reader."""
    assert city("America/New_York") == "New York"
    assert is_zone("UTC")
