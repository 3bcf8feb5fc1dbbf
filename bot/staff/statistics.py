"""The page of statistics: a period is chosen, the numbers are shown as charts and as tables. No number is about a person."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from starlette.responses import Response
from starlette.routing import BaseRoute

from bot.staff.charts import HEIGHT, WIDTH, Lines, bars, lines
from bot.staff.gate import Gate, Visit
from bot.staff.pages import Words
from bot.store.statistics import Share, Statistics, statistics

STATISTICS = "/staff/statistics"
PERIODS = (7, 30, 90, 365)  # days
_FIRST = 30


class StatisticsPage:
    """The numbers of a period."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def routes(self) -> Sequence[BaseRoute]:
        return (self._gate.page(STATISTICS, self._look),)

    async def _look(self, visit: Visit) -> Response:
        asked = visit.request.query_params.get("days", "")
        days = next((period for period in PERIODS if str(period) == asked), _FIRST)
        async with self._gate.database.read() as connection:
            found = await statistics(connection, days, visit.now)
        words = self._gate.words(visit)
        channels = {words.named("channel", name): counts for name, counts in found.by_channel.items()}
        languages = {words.language(code): counts for code, counts in found.by_language.items()}
        retention = self._gate.content.structure.retention.days
        return await self._gate.show(
            visit,
            "statistics",
            days=days,
            periods=PERIODS,
            found=found,
            figures=_figures(found, words),
            charts=_charts(found.days, {"channel": channels, "language": languages}),
            bars={
                "outcomes": bars(
                    (words.named("outcome", name) if name else words("stats-not-said"), n) for name, n in found.outcomes.items()
                ),
                "funnel": bars((words(f"stats-{step}"), count) for step, count in found.funnel.items()),
                "pages": bars((self._title(path, words), count) for path, count in found.pages),
            },
            helpful=[(self._title(each.path, words), words.language(each.language), each.yes, each.no) for each in found.helpful],
            retention=retention if days > retention else 0,
            size=(WIDTH, HEIGHT),
        )

    def _title(self, path: str, words: Words) -> str:
        """A page's title; its path when it is there no more."""
        page = self._gate.content.language(words.code).pages.get(path)
        return page.title if page else path


def _charts(days: Sequence[date], series: Mapping[str, Mapping[str, Mapping[date, int]]]) -> dict[str, Lines]:
    return {kind: lines(days, each) for kind, each in series.items()}


def _figures(found: Statistics, words: Words) -> list[tuple[str, str, str]]:
    """Label, figure, and what it means."""

    def share(name: str, share: Share) -> tuple[str, str, str]:
        percent = f"{share.part / share.whole:.0%}" if share.whole else "–"
        return words(f"stats-{name}"), percent, words(f"stats-{name}-of", part=share.part, whole=share.whole)

    return [
        (words("stats-requests"), str(found.requests), ""),
        (words("stats-median"), _length(found.median), words("stats-plain-hours")),
        (words("stats-ninetieth"), _length(found.ninetieth), words("stats-plain-hours")),
        share("reached", found.reached),
        share("kept", found.kept),
        share("helped", found.helped),
        share("feedback", found.feedback),
        (words("stats-views"), str(found.views), ""),
        (words("stats-not-found"), str(found.not_found), ""),
    ]


def _length(wait: timedelta | None) -> str:
    """Hours and minutes: "26:40 h"."""
    if wait is None:
        return "–"
    hours, minutes = divmod(int(wait.total_seconds()) // 60, 60)
    return f"{hours}:{minutes:02} h"
