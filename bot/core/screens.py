"""What the screens outside the intake show. A screen's name says all that is needed to draw it again."""

from dataclasses import replace
from datetime import date

from bot.core.markup import Block, Document, Listing, Paragraph, Run
from bot.core.material import Page, Source
from bot.core.model import HOME, Button, Card, Reply
from bot.core.scene import Render, Scene
from bot.core.schedule import spoken_day
from bot.core.wording import MAX_ROWS

SOURCES_A_SCREEN = 10
_DRAWN = 500  # pages kept as they were drawn, a kilobyte each
NEEDS_DRAFT = ("consent", "ask", "summary", "change")  # screens that are empty without an unfinished request


def home(scene: Scene, _: str) -> Reply:
    page = scene.language.pages[""]
    return Reply(scene.body(page), children(scene, page), unfinished(scene), title=page.title)


def page(scene: Scene, path: str) -> Reply:
    """A page; drawn once for all who see the same: most of what is asked for is one of these."""
    shown, drawn = scene.language.pages[path], scene.content.drawn
    body = scene.body(shown)  # the same object whenever it reads the same, and the reply keeps it
    seen = (scene.language.code, path, id(body), scene.session.draft is None, back_from(scene) == HOME)
    if (reply := drawn.get(seen)) is None:
        if len(drawn) >= _DRAWN:
            drawn.clear()
        reply = drawn[seen] = sources(scene, path) if path == scene.structure.pages["sources"] else _page(scene, shown, body)
    return reply


def _page(scene: Scene, shown: Page, body: Document) -> Reply:
    path = shown.path
    choices = children(scene, shown) + _extra(scene, shown)
    choices += tuple(scene.page_button(other) for other in shown.related)
    more: tuple[Button, ...] = (scene.button(f"sources:{path}", "sources"),) if shown.sources else ()
    if not shown.children and not shown.flow and path not in scene.structure.pages.values():
        more += (scene.button(f"helpful:{path}", "helpful", aside=True),)
    urgent = path in (scene.structure.pages["emergency"], scene.structure.pages["crisis"])
    return Reply(
        body,
        choices,
        (*more, *navigation(scene)),
        style="warning" if urgent else "",
        title=shown.title,
        card=_card(scene) if shown.card else None,
    )


def _card(scene: Scene) -> Card:
    values = scene.structure.values
    return Card(values.get("operator_name") or scene.language.chat["title"], values.get("phone", ""), values.get("email", ""))


def danger(scene: Scene, path: str) -> Reply:
    """A page after words of danger: with the way to the emergency signs, if they are not what it shows."""
    reply = page(scene, path)
    signs = scene.button(f"page:{scene.structure.pages['emergency']}", "emergency")
    shown = signs.id == f"page:{path}" or any(button.id == signs.id for button in reply.choices)
    return reply if shown else replace(reply, choices=(signs, *reply.choices))


def _extra(scene: Scene, shown: Page) -> tuple[Button, ...]:
    """The button a page's context asks for. A menu goes without when its list is full or has it anyway."""
    flows = [scene.language.pages[child].flow for child in shown.children]
    begun = shown.context == "callback" and scene.session.draft  # the navigation has "continue" instead
    if shown.context == "none" or begun or shown.context in flows or len(shown.children) >= MAX_ROWS:
        return ()
    target = "callback" if shown.context == "callback" else f"page:{scene.structure.pages['emergency']}"
    return (scene.button(target, shown.context),)


def children(scene: Scene, parent: Page) -> tuple[Button, ...]:
    return scene.content.menus[scene.language.code, parent.path]


def navigation(scene: Scene) -> tuple[Button, ...]:
    """Back, when it leads elsewhere than the main menu; the unfinished request; the main menu."""
    back = (scene.button("back"),) if back_from(scene) != HOME else ()
    return (*back, *unfinished(scene), scene.home_button)


def back_from(scene: Scene) -> str:
    """The screen *Back* leads to: the one the person came from, else the menu above."""
    for screen in reversed(scene.session.path):
        if scene.session.draft or screen.partition(":")[0] not in NEEDS_DRAFT:
            return screen
    _, _, path = scene.session.screen.partition(":")
    shown = scene.language.pages.get(path)
    return f"page:{shown.parent}" if shown and shown.parent else HOME


def unfinished(scene: Scene) -> tuple[Button, ...]:
    """The way back into a request that was begun and not sent."""
    return (scene.button("callback", "continue"),) if scene.session.draft else ()


def sources(scene: Scene, argument: str) -> Reply:
    """Where a page has its facts from, and who has reviewed it; for the page about sources, the list of all."""
    path, _, start = argument.partition(":")
    shown = scene.language.pages[path]
    everything = path == scene.structure.pages["sources"]
    pages = scene.language.pages.values() if everything else (shown,)
    listed = tuple(dict.fromkeys(source for page in pages for source in page.sources))
    first = int(start) if start.isdecimal() and len(start) < 5 and int(start) < len(listed) else 0
    if everything:
        body: Document = scene.body(shown) if first == 0 else ()
    else:
        body = scene.text("sources-head", title=shown.title)
        body += scene.text("review-pending") if shown.review == "pending" else scene.text("review-done", review=_review(scene, shown))
    part = listed[first : first + SOURCES_A_SCREEN]
    entries: tuple[Block, ...] = (Listing(tuple((Run(s.title, href=s.url), Run(f" ({_dated(s)})")) for s in part)),)
    rest = f"sources:{path}:{first + SOURCES_A_SCREEN}"
    more = (scene.button(rest, "more-sources"),) if first + SOURCES_A_SCREEN < len(listed) else ()
    return Reply(body + entries if part else body, more, navigation(scene))


def _dated(source: Source) -> str:
    """Year and grade, as far as they are known; "n.d." is for who keeps the list, no word in any reader's language."""
    return ", ".join(part for part in (source.year, source.grade) if part not in ("", "n.d."))


def _review(scene: Scene, shown: Page) -> str:
    """Who has reviewed the page, and on which day."""
    who, _, day = shown.review.rpartition("; ")
    return f"{who}; {spoken_day(date.fromisoformat(day), scene.language.code)}"


def found(scene: Scene, argument: str) -> Reply:
    """Several pages fit what was typed, or none does and these are the nearest."""
    kind, _, paths = argument.partition(":")
    known = [path for path in paths.split("|") if path in scene.language.pages]
    choices = tuple(scene.page_button(path) for path in known)
    if kind == "nearest":
        always = [path for path in (scene.structure.pages["talk"], scene.structure.pages["emergency"]) if path not in known]
        choices += tuple(map(scene.page_button, always))
    return Reply(scene.text(f"found-{kind}"), choices, (*unfinished(scene), scene.home_button))


def offering(scene: Scene, reply: Reply) -> Reply:
    """The reply with the way to stay in its language, which is not the one that was chosen; where a list has room for it."""
    if len(reply.buttons) > MAX_ROWS:
        return reply
    return replace(reply, navigation=(scene.button(f"language:{scene.session.speaks}", "switch"), *reply.navigation))


def notice(scene: Scene, key: str) -> Reply:
    """One of the fixed texts, with the way to a person and to the menu."""
    return Reply(scene.text(key), (scene.page_button(scene.structure.pages["talk"]),), (*unfinished(scene), scene.home_button))


def language(scene: Scene, _: str) -> Reply:
    choices = tuple(Button(f"language:{code}", other.name) for code, other in scene.content.languages.items())
    return Reply(scene.flow_text("language"), choices, navigation(scene))


def helpful(scene: Scene, path: str) -> Reply:
    """Whether a page has helped; asked on a screen of its own, so that it takes one button there."""
    scene.language.pages[path]  # there may be none any more
    yes, no = (scene.button(f"helpful:{answer}:{path}", f"helpful:{answer}", answer=answer) for answer in ("yes", "no"))
    return Reply(scene.text("helpful", title=scene.language.pages[path].title), (yes, no), navigation(scene))


def erase(scene: Scene, _: str) -> Reply:
    return Reply(scene.flow_text("erase"), (scene.button("erase:yes", answer="yes"),), (scene.button(HOME, "keep", answer="no"),))


def stop(scene: Scene, _: str) -> Reply:
    return Reply(
        scene.text("stop"), (scene.button("stop:yes", answer="yes"), scene.button("erase")), (scene.button(HOME, "keep", answer="no"),)
    )


def feedback(scene: Scene, _: str) -> Reply:
    return Reply(
        scene.flow_text("feedback"),
        (scene.button("feedback:yes", answer="yes"), scene.button("feedback:no", answer="no")),
        navigation(scene),
    )


SCREENS: dict[str, Render] = {
    HOME: home,
    "page": page,
    "danger": danger,
    "sources": sources,
    "found": found,
    "notice": notice,
    "language": language,
    "erase": erase,
    "stop": stop,
    "feedback": feedback,
    "helpful": helpful,
}


def lines(rows: list[tuple[str, str]]) -> Document:
    """ "**Name:** value" on a line each."""
    runs: list[Run] = []
    for name, value in rows:
        runs += [Run("\n")] * bool(runs) + [Run(f"{name}: ", "bold"), Run(value)]
    return (Paragraph(tuple(runs)),) if runs else ()
