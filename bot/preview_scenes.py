"""Which screens a preview shows, and how one gets there: by events through the dialogue itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.alarms import Alarm
from bot.core.engine import advance, tell
from bot.core.followup import News, NewsKind
from bot.core.library import Content
from bot.core.markup import fill_lines
from bot.core.material import Language
from bot.core.model import Event, Media, Press, Reply, Session, Started, Text

_MADE_UP = {"phone": "+44 20 7946 0018", "email": "ada@example.org", "name": "Ada Example"}


@dataclass(frozen=True, slots=True)
class Stage:
    """One made-up person's conversation."""

    content: Content
    session: Session
    now: datetime
    replies: tuple[Reply, ...] = ()  # to the last event

    @property
    def language(self) -> Language:
        return self.content.language(self.session.language)

    def play(self, *events: Event) -> "Stage":
        stage = self
        for event in events:
            turn = advance(stage.session, event, stage.content, stage.now)
            stage = replace(stage, session=turn.session, replies=turn.replies)
        return stage

    def press(self, *buttons: str) -> "Stage":
        return self.play(*map(Press, buttons))

    def agreed(self) -> "Stage":
        """A callback asked for, with consent."""
        return self.press("callback", f"consent:yes:{self.content.structure.consent_version}")

    def filled_in(self) -> "Stage":
        """Every question that is asked, answered with something made up or with the first choice."""
        stage = self.agreed()
        for _ in self.content.structure.questions:
            kind, _, name = stage.session.screen.partition(":")
            question = self.content.structure.question(name)
            if kind == "ask" and question is not None:
                given = _MADE_UP.get(question.kind)
                stage = stage.play(Text(given) if given else Press(stage.replies[-1].choices[0].id))
        return stage

    def hears(self, kind: NewsKind, words: str = "") -> "Stage":
        """What staff did about a request that was sent, as it is told: they have tried once, and mean to try again."""
        sent = self.filled_in().press("send")
        request = sent.session.request
        if request is None:
            return sent
        again = self.content.structure.hours.due(self.now)
        known = None if kind in ("helped", "unreached") else replace(request, state="claimed", attempts=1, next_at=again)
        turn = tell(replace(sent.session, request=known), News(kind, request.reference, self.now, words=words), self.content, self.now)
        return replace(sent, session=turn.session, replies=turn.replies)

    def about(self, button: str) -> "Stage":
        """The answer to what was heard by a button that names the request."""
        reference = self.session.screen.partition(":")[2]
        return self.press(f"{button}:{reference}")

    def claimed(self) -> "Stage":
        """A request sent that somebody of the staff has taken on."""
        sent = self.filled_in().press("send")
        request = sent.session.request and replace(sent.session.request, state="claimed")
        return replace(sent, session=replace(sent.session, request=request))


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen and the way to it. Its id is the button that leads there, where there is one."""

    group: str
    id: str
    title: str
    play: Callable[[Stage], Stage]
    path: str | None = None  # of the page it shows


def scenes(content: Content) -> Iterator[Scene]:
    """Every page in the order of the menus, then what is said on the way to a callback, then what else can happen."""
    pages = content.languages[content.structure.default_language].pages
    main = pages[""].title
    yield Scene(main, "home", main, lambda stage: stage.play(Started()), "")
    shown = list(_below(content, ""))
    shown += [path for path in pages if path and path not in shown]  # those in no menu
    for path in shown:
        page, top = pages[path], pages[path.partition("/")[0]]
        group = "In no menu" if page.hidden else top.title if top.children else main
        yield Scene(group, f"page:{path}", page.title, _opening(path), path)
    yield from _callback(content)
    yield from _followup()
    yield from _more(content)


def _below(content: Content, path: str) -> Iterator[str]:
    for child in content.languages[content.structure.default_language].pages[path].children:
        yield child
        yield from _below(content, child)


def _opening(path: str) -> Callable[[Stage], Stage]:
    return lambda stage: stage.press(f"page:{path}")


def _asking(target: str) -> Callable[[Stage], Stage]:
    return lambda stage: stage.agreed().press(target)


def _callback(content: Content) -> Iterator[Scene]:
    group = "A callback, with made-up data"
    yield Scene(group, "callback", "Consent", lambda stage: stage.press("callback"))
    for question in content.structure.questions:
        target = f"ask:{question.id}"
        yield Scene(group, target, f"Question: {question.id}", _asking(target))
    yield Scene(group, "summary", "Summary", lambda stage: stage.filled_in())
    yield Scene(group, "send", "Sent", lambda stage: stage.filled_in().press("send"))
    yield Scene(group, "status", "Somebody has taken it on", lambda stage: stage.claimed().press("status"))
    yield Scene(group, "change", "Change", lambda stage: stage.filled_in().press("change"))
    yield Scene(group, "withdraw", "Withdraw", lambda stage: stage.filled_in().press("send", "withdraw"))
    yield Scene(group, "withdraw:yes", "Withdrawn", lambda stage: stage.filled_in().press("send", "withdraw", "withdraw:yes"))
    yield Scene(group, "cancel", "Cancelled", lambda stage: stage.filled_in().press("cancel"))


def _followup() -> Iterator[Scene]:
    group = "What staff did, as the caller hears it"
    yield Scene(group, "tried", "A call in vain", lambda stage: stage.hears("tried"))
    yield Scene(group, "again", "They would like another call", lambda stage: stage.hears("tried").about("again"))
    yield Scene(group, "better-time", "A better time", lambda stage: stage.hears("tried").about("better-time"))
    yield Scene(group, "by-email", "By e-mail instead", lambda stage: stage.hears("tried").about("by-email"))
    yield Scene(group, "wrong-number", "A wrong number", lambda stage: stage.hears("wrong-number"))
    yield Scene(group, "emailed", "An e-mail was sent", lambda stage: stage.hears("emailed"))
    yield Scene(group, "written", "A message from staff", _written)
    yield Scene(group, "unreached", "Closed: nobody was reached", lambda stage: stage.hears("unreached"))
    yield Scene(group, "helped", "Closed: did it help?", lambda stage: stage.hears("helped"))
    yield Scene(group, "helped:yes", "It helped", lambda stage: stage.hears("helped").about("helped:yes"))
    yield Scene(group, "helped:no", "It did not help", lambda stage: stage.hears("helped").about("helped:no"))
    yield Scene(group, "request-over", "A button of a request that is closed", lambda stage: stage.hears("helped").about("again"))


def _written(stage: Stage) -> Stage:
    """The first of the prepared texts, if there are any."""
    canned = stage.language.canned
    return stage.hears("written", fill_lines(canned[0].text, {"name": _MADE_UP["name"], "reference": ""}) if canned else "…")


def _more(content: Content) -> Iterator[Scene]:
    group = "Words of danger, and what else can happen"
    pages = content.languages[content.structure.default_language].pages.values()
    sourced = next((page.path for page in pages if page.path and page.sources), "")
    yield Scene(
        group,
        "emergency",
        "Somebody writes a word of emergency",
        lambda stage: stage.play(Text(stage.language.wording.phrases["emergency"][0])),
    )
    yield Scene(
        group, "crisis", "Somebody writes a word of despair", lambda stage: stage.play(Text(stage.language.wording.phrases["crisis"][0]))
    )
    if any(language.wording.phrases["advice"] for language in content.languages.values()):
        yield Scene(group, "advice", "Asked for a diagnosis or a dose", _saying("advice"))
    yield Scene(group, "media", "A photo, file or voice message", lambda stage: stage.play(Media()))
    yield Scene(group, "unknown", "Words that mean nothing", lambda stage: stage.play(Text("xqzk vwpf")))
    yield Scene(group, "stale", "A button that is no more", lambda stage: stage.press("gone:for-good"))
    yield Scene(group, "help", "Help", lambda stage: stage.press("help"))
    if sourced:
        yield Scene(group, f"sources:{sourced}", "Sources of a page", lambda stage: stage.press(f"page:{sourced}", f"sources:{sourced}"))
    yield Scene(group, "stop", "Stop", lambda stage: stage.press("stop"))
    yield Scene(group, "stop:yes", "Stopped", lambda stage: stage.press("stop", "stop:yes"))
    yield Scene(group, "erase:yes", "Everything deleted", lambda stage: stage.press("erase", "erase:yes"))
    yield Scene(group, "feedback:yes", "Thanks for the feedback", lambda stage: stage.press("feedback", "feedback:yes"))


def _saying(kind: Alarm) -> Callable[[Stage], Stage]:
    """Somebody types the first phrase of this kind."""
    return lambda stage: stage.play(Text(next(iter(stage.language.wording.phrases[kind]), "")))
