"""What the shipped content promises its readers, found out by pressing its buttons."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.content_rules import check, menu_map
from bot.core.engine import advance
from bot.core.library import Content, counted_days
from bot.core.markup import plain
from bot.core.material import Language, Page
from bot.core.model import HOME, Press, Reply, Session, Started, Text
from bot.core.words import normal

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FOLDER = Path(__file__).parents[2] / "content"
MAX_BODY = 900  # characters: CONTENT, "Writing"
MAX_MESSAGE = 4096  # characters of one message on Telegram
FACTS = {f"S{number}" for number in range(1, 65)}  # the operator's web page
NO_OFFER = (
    "emergency", "crisis", "living-with/fever", "living-with/relapse", "my-situation/relapse",
    "treatment/tumour", "about-oms/neuroblastoma", "diagnosis/scans",
)  # fmt: skip


class Walk:
    """Presses every page button there is, from the main menu on: how many taps each screen takes, and what it shows."""

    def __init__(self, content: Content, code: str, taps: int = 30) -> None:
        start = advance(Session(language=code), Started(), content, NOW)
        self.taps = {HOME: 0}
        self.shown: dict[str, Reply] = {HOME: start.replies[-1]}
        ahead = [(start.session, start.replies[-1])]
        for distance in range(1, taps + 1):
            around, ahead = ahead, []
            for session, reply in around:
                for button in reply.buttons:
                    if not button.id.startswith(("page:", "sources:")):
                        continue
                    turn = advance(session, Press(button.id), content, NOW)
                    if turn.session.screen not in self.taps:
                        self.taps[turn.session.screen] = distance
                        self.shown[turn.session.screen] = turn.replies[-1]
                        ahead.append((turn.session, turn.replies[-1]))


@pytest.fixture(scope="module", params=["en"])
def language(request: pytest.FixtureRequest, content: Content) -> Language:
    return content.languages[str(request.param)]


@pytest.fixture(scope="module")
def walk(content: Content, language: Language) -> Walk:
    return Walk(content, language.code)


def visible(language: Language) -> list[Page]:
    return [page for page in language.pages.values() if not page.hidden]


def test_the_shipped_content_has_no_errors() -> None:
    """What we ship passes its own check; what is left are notes for the operator and reviewers."""
    content, problems = check(FOLDER)
    assert content is not None
    assert [str(problem) for problem in problems if not problem.note] == []


def test_every_page_is_reached_by_tapping(walk: Walk, language: Language) -> None:
    """No visible page is a dead file: buttons alone lead to it (a page that starts a flow shows that flow)."""
    missing = {page.path for page in visible(language) if page.path and not page.flow and f"page:{page.path}" not in walk.taps}
    assert missing == set()
    assert {"consent", "withdraw", "language", "erase", "feedback"} <= walk.taps.keys()


def test_every_fact_is_two_taps_away(walk: Walk, language: Language) -> None:
    """All 64 facts of the operator's page stand on screens at most two taps from the main menu."""
    flows = {"callback": "consent"}
    near = {page for page in language.pages.values() if walk.taps.get(flows.get(page.flow or "", f"page:{page.path}"), 9) <= 2}
    assert FACTS - {fact for page in near for fact in page.facts} == set()


def test_emergency_signs_come_first(walk: Walk, content: Content) -> None:
    """The first row of the main menu is Emergency signs."""
    assert walk.shown[HOME].choices[0].id == f"page:{content.structure.pages['emergency']}"


@pytest.mark.parametrize("folder", ["symptoms", "living-with"])
def test_emergency_signs_are_one_tap_from_symptoms_and_daily_life(folder: str, walk: Walk, language: Language, content: Content) -> None:
    """Whoever reads about symptoms or daily life has the emergency signs on the same screen."""
    pages = [page.path for page in visible(language) if page.parent == folder]
    emergency = f"page:{content.structure.pages['emergency']}"
    assert len(pages) > 5
    assert [path for path in pages if emergency not in {button.id for button in walk.shown[f"page:{path}"].buttons}] == []


@pytest.mark.parametrize("path", NO_OFFER)
def test_nothing_is_offered_to_people_in_fear(path: str, content: Content, language: Language) -> None:
    """Emergency, crisis, fever, relapse and tumour pages carry no callback and no way into the consultation."""
    reply = advance(Session(language=language.code, screen="page:symptoms"), Press(f"page:{path}"), content, NOW).replies[-1]
    offers = {button.id for button in reply.buttons if button.id == "callback" or "free-consultation" in button.id}
    assert offers == set()
    assert language.pages[path].context != "callback"
    assert not [other for other in language.pages[path].related if other.startswith("free-consultation")]


def test_every_information_page_says_who_reviewed_it(content: Content, language: Language) -> None:
    """Every page has a review mark, and its *Sources* tell the reader which."""
    for page in language.pages.values():
        assert page.review.strip()
        if not page.sources or page.path == content.structure.pages["sources"]:
            continue
        turn = advance(Session(language=language.code, screen=f"page:{page.path}"), Press(f"sources:{page.path}"), content, NOW)
        assert ("No doctor has reviewed" if page.review == "pending" else page.review.partition(";")[0]) in plain(turn.replies[-1].body), (
            page.path
        )


def test_every_screen_fits(walk: Walk, language: Language) -> None:
    """A page as shown, blanks filled, keeps to 900 characters; lists of sources fit one message."""
    for screen, reply in walk.shown.items():
        kind, _, path = screen.partition(":")
        text = plain(reply.body)
        assert 0 < len(text) <= MAX_MESSAGE, screen
        if kind == "page" and path != "more/sources":
            assert len(text) <= MAX_BODY, screen
        assert "{" not in text, f"{screen}: an open blank"


def test_all_sources_are_listed(walk: Walk, language: Language) -> None:
    """Leafing through the list of all sources shows every source of every page once."""
    listed = "\n".join(
        plain(reply.body) for screen, reply in walk.shown.items() if screen.startswith(("page:more/sources", "sources:more/sources"))
    )
    titles = {source.title for page in language.pages.values() for source in page.sources}
    assert len(titles) > 50
    assert [title for title in titles if title not in listed] == []


def test_the_menu_map_shows_every_page(content: Content, language: Language) -> None:
    """The generated map mentions each visible page, and hides the hidden one."""
    drawn = menu_map(content)
    assert [page.title for page in visible(language) if f'["{page.title}"]' not in drawn] == []
    assert "crisis" not in drawn


def test_every_keyword_finds_its_page(content: Content, language: Language) -> None:
    """Typing a title or keyword opens the page or offers it; words of danger and pleas for a diagnosis go elsewhere."""
    lost = []
    for page in language.pages.values():
        for keyword in (page.title, *page.keywords):
            if page.flow or not page.path or content.alarms.heard(normal(keyword), {language.code}):
                continue
            turn = advance(Session(language=language.code, screen="notice:help"), Text(keyword), content, NOW)
            target = f"page:{page.path}"
            if turn.session.screen != target and target not in {button.id for button in turn.replies[-1].buttons}:
                lost.append((page.path, keyword, turn.session.screen))
    assert not lost, lost


SIDE_EFFECTS = {
    "en": ("side effects", "Side effect?", "side affects", "what are the side effects"),
    "de": ("Nebenwirkungen", "nebenwirkung", "welche Nebenwirkungen"),
    "ru": ("побочные эффекты", "побочный эффект", "побочные действия", "побочка", "Побочки?"),
    "ar": ("آثار جانبية", "اثار جانبيه", "أعراض جانبية", "اعراض جانبية", "الآثار الجانبية"),
}


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, of in SIDE_EFFECTS.items() for words in of])
def test_side_effects_ask_what_is_meant(code: str, words: str, content: Content) -> None:
    """Who types "side effects" and no more is asked: symptoms of OMS, or effects of a medicine."""
    turn = advance(Session(language=code), Text(words), content, NOW)
    assert turn.session.screen == "found:several:symptoms/overview|treatment/immune"
    offered = [button.id for button in turn.replies[-1].choices]
    assert offered[:2] == ["page:symptoms/overview", "page:treatment/immune"]


@pytest.mark.parametrize("words", ["омс", "ОМС", "полис омс", "Полис ОМС"])
def test_the_russian_insurance_is_told_from_the_illness(words: str, content: Content) -> None:
    """ "ОМС" is also Russia's health insurance: the illness, spelt "OMS" in Latin letters, and the page about costs are both offered."""
    turn = advance(Session(language="ru"), Text(words), content, NOW)
    assert turn.session.screen == "found:several:about-oms/basics|free-consultation/consult-info"
    assert turn.replies[-1].choices[0].label.startswith("OMS ")


DAYS = {
    "en": ("1 day", "2 days", "3 days", "11 days", "21 days", "30 days", "100 days", "365 days"),
    "de": ("1 Tag", "2 Tage", "3 Tage", "11 Tage", "21 Tage", "30 Tage", "100 Tage", "365 Tage"),
    "ru": ("1 день", "2 дня", "3 дня", "11 дней", "21 день", "30 дней", "100 дней", "365 дней"),
    "ar": ("يوم واحد", "يومين", "3 أيام", "11 يوما", "21 يوما", "30 يوما", "100 يوم", "365 يوما"),
}


@pytest.mark.parametrize("code", DAYS)
def test_days_are_counted_as_the_language_counts_them(code: str, content: Content) -> None:
    """However long the operator keeps data, the word for days has the form that number takes, on the page people consent to as well."""
    numbers = ("1", "2", "3", "11", "21", "30", "100", "365")
    assert tuple(counted_days(content.languages[code], number) for number in numbers) == DAYS[code]
    for number, told in zip(numbers, DAYS[code], strict=True):
        kept = replace(content, structure=replace(content.structure, values={**content.structure.values, "retention_days": number}))
        for path in ("free-consultation/callback", "more/privacy"):
            assert re.search(rf"\b{told} ", plain(kept.body(code, path))), (path, number)
