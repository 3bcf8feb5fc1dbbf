"""Charts as numbers: where lines run and how long bars are. The templates draw them as SVG, which scales without a script."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 1000, 200  # of the drawing, in its own units
_MOST_POINTS = 92  # of a line; more days than this are drawn by the week
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a table with a bar in it."""

    name: str
    count: int
    percent: float  # of the longest bar


def bars(counts: Iterable[tuple[str, int]]) -> list[Bar]:
    """In the order they come."""
    rows = list(counts)
    longest = max((count for _, count in rows), default=0)
    return [Bar(name, count, round(100 * count / longest, 1) if longest else 0.0) for name, count in rows]


@dataclass(frozen=True, slots=True)
class Line:
    """A series: its points as SVG wants them, and its numbers for the table."""

    name: str
    points: str
    counts: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Several series over the same time."""

    starts: Sequence[date]  # of each step
    weekly: bool  # a step is a week, else a day
    top: int  # what the upper edge stands for
    lines: Sequence[Line]


def lines(days: Sequence[date], series: Mapping[str, Mapping[date, int]]) -> Lines:
    """By the day, or by the week when there are too many days; the last step may be a short one."""
    step = _WEEK if len(days) > _MOST_POINTS else 1
    steps = [days[first : first + step] for first in range(0, len(days), step)]
    counts = {name: [sum(by_day.get(day, 0) for day in each) for each in steps] for name, by_day in series.items()}
    top = max((count for each in counts.values() for count in each), default=0) or 1
    drawn = [Line(name, _points(each, top), each, sum(each)) for name, each in counts.items()]
    return Lines([each[0] for each in steps], step == _WEEK, top, drawn)


def _points(counts: Sequence[int], top: int) -> str:
    apart = WIDTH / max(len(counts) - 1, 1)
    return " ".join(f"{place * apart:.1f},{HEIGHT - HEIGHT * count / top:.1f}" for place, count in enumerate(counts))
