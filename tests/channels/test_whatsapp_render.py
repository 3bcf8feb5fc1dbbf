"""What WhatsApp is given to show: every text in its style, every choice in reach, every limit held, nothing lost."""

import re
from collections.abc import Callable
from datetime import datetime
from itertools import chain, pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from published import faults_of
from test_contract import screens

from bot.channels.parting import parted
from bot.channels.whatsapp_render import MAX_BODY, MAX_PARAMETER, MAX_TEXT, cut, render, size, template
from bot.core.engine import advance
from bot.core.library import Content
from bot.core.markup import Block, Document, Line, Listing, Paragraph, Run, plain, words
from bot.core.material import Language
from bot.core.model import Button, Card, Press, Reply, Session, Started

J = "\u2060"
FAMILY = "👩\u200d👧"  # five code units
CARD = Card("Made-up clinic", "+49 30 123", "care@example.org")


@pytest.fixture
def english(content: Content) -> Language:
    return content.language("en")


# --- a checker of its own ----------------------------------------------------------------------------------


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def text_faults(where: str, said: object, most: int) -> list[str]:
    """Of a text that must be there and be readable."""
    return [] if isinstance(said, str) and said.strip() and units(said) <= most else [f"{where}: {said!r}"]


def many_faults(where: str, values: list[str], most: int, length: int) -> list[str]:
    """Of texts that must be different ones."""
    found = [] if 1 <= len(values) <= most and len(set(values)) == len(values) else [f"{where}: {values}"]
    return found + [fault for value in values for fault in text_faults(where, value, length)]


def button_faults(action: dict[str, Any]) -> list[str]:
    replies = [each["reply"] for each in action["buttons"] if each["type"] == "reply"]
    return many_faults("id", [reply["id"] for reply in replies], 3, 256) + many_faults("title", [r["title"] for r in replies], 3, 20)


def list_faults(action: dict[str, Any]) -> list[str]:
    sections = action["sections"]
    rows = [row for section in sections for row in section["rows"]]
    found = text_faults("button", action["button"], 20) + many_faults("row ids", [row["id"] for row in rows], 10, 200)
    for section in sections:
        found += text_faults("section", section.get("title"), 24) if len(sections) > 1 or "title" in section else []
        found += [] if section["rows"] else ["a section without rows"]
    for row in rows:
        found += text_faults("row title", row["title"], 24) + text_faults("row description", row.get("description", "none"), 72)
    return found


def asking_faults(action: dict[str, Any]) -> list[str]:
    return [] if action == {"name": "request_contact_info"} else [f"action: {action}"]


def faults(message: dict[str, Any]) -> list[str]:
    """What breaks a limit of PLATFORMS, counted in UTF-16 code units."""
    content = message[message["type"]]
    match message["type"]:
        case "text":
            return text_faults("text", content["body"], 4096)
        case "interactive":
            found = text_faults("body", content["body"]["text"], 1024)
            for part in content.keys() & {"header", "footer"}:
                found += text_faults(part, content[part]["text"], 60)
            check = {"button": button_faults, "list": list_faults, "request_contact_info": asking_faults}[content["type"]]
            return found + check(content["action"])
        case "contacts":
            return [
                fault
                for card in content
                for said in (card["name"]["formatted_name"], *(phone["phone"] for phone in card["phones"]))
                for fault in text_faults("card", said, 1000)
            ]
    [parameter] = content["components"][0]["parameters"]
    odd = re.search(r"[\n\t]| {5}", parameter["text"])  # which Meta refuses
    return text_faults("parameter", parameter["text"], 1024) + ([f"parameter: {odd}"] if odd else [])


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "text", "text": {"body": " "}},
        {"type": "text", "text": {"body": FAMILY * 820}},
        {"type": "interactive", "interactive": {"type": "request_contact_info", "body": {"text": "x"}, "action": {}}},
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "x"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "x"}}] * 2},
            },
        },
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "body": {"text": "x"},
                "action": {"button": "x", "sections": [{"rows": [{"id": str(n), "title": "x"} for n in range(11)]}]},
            },
        },
        template("t", "en", ()) | {"template": {"components": [{"parameters": [{"text": "a\nb"}]}]}},
    ],
)
def test_the_checker_finds_what_is_wrong(broken: dict[str, Any]) -> None:
    """The checker of this file finds a blank, an overlong text, a wrong action, a double button, an eleventh row, a line break."""
    assert len(faults(broken)) >= 1


def sent(reply: Reply, language: Language) -> list[dict[str, Any]]:
    """The messages of a reply, all of them fit to be sent."""
    messages = render(reply, language)
    for message in messages:
        assert faults(message) == []
        assert faults_of({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "447700900123", **message}) == []
    return messages


def body(message: dict[str, Any]) -> str:
    text: str = message["text"]["body"] if message["type"] == "text" else message["interactive"]["body"]["text"]
    return text


def rows(message: dict[str, Any]) -> list[dict[str, Any]]:
    sections = message["interactive"]["action"]["sections"]
    return list(chain.from_iterable(section["rows"] for section in sections))


def titles(message: dict[str, Any]) -> list[str]:
    return [each["reply"]["title"] for each in message["interactive"]["action"]["buttons"]]


# --- text ----------------------------------------------------------------------------------------------------

LINES: dict[str, tuple[Line, str]] = {
    "plain": ((Run("hello"),), "hello"),
    "bold and italic": ((Run("x", "bold"), Run(" and "), Run("y", "italic")), "*x* and _y_"),
    "spaces stay outside": ((Run("a"), Run("  b  c ", "bold"), Run("d")), "a  *b  c* d"),
    "nothing but spaces": ((Run("a"), Run(" ", "bold"), Run("b")), "a b"),
    "over two lines": ((Run("a\nb ", "bold"),), "*a*\n*b* "),
    "line break": ((Run("a", "bold"), Run("\n"), Run("b", "italic")), "*a*\n_b_"),
    "before a letter": ((Run("b", "bold"), Run("ad")), "bad"),
    "after a letter": ((Run("b"), Run("ad", "italic")), "bad"),
    "before a digit": ((Run("OMS", "bold"), Run("1")), "OMS1"),
    "before a sign": ((Run("b", "bold"), Run(", c")), "*b*, c"),
    "between quotes": ((Run("“"), Run("x", "bold"), Run("”")), "“*x*”"),
    "free marks": ((Run("*x* _y_ ~z~ `c`"),), f"{J}*{J}x{J}*{J} {J}_{J}y{J}_{J} {J}~{J}z{J}~{J} {J}`{J}c{J}`{J}"),
    "double marks": ((Run("**x**"),), f"{J}*{J}{J}*{J}x{J}*{J}{J}*{J}"),
    "a mark alone": ((Run("5 * 3"),), f"5 {J}*{J} 3"),
    "marks within words": ((Run("a_b@example.org 2*3*4 x~y"),), "a_b@example.org 2*3*4 x~y"),
    "marks in bold": ((Run("a*", "bold"),), f"*a{J}*{J}*"),
    "https": ((Run("here", href="https://example.org/a_b"), Run(" now.")), "here https://example.org/a_b now."),
    "https that says itself": ((Run("https://example.org", href="https://example.org"),), "https://example.org"),
    "mailto": ((Run("write", href="mailto:a_b@example.org"),), "write a_b@example.org"),
    "mailto that says itself": ((Run("a_b@example.org", href="mailto:a_b@example.org"),), "a_b@example.org"),
    "tel": ((Run("call", href="tel:+4930123"),), "call +4930123"),
    "tel that says itself": ((Run("+49 30 123", href="tel:+4930123"),), "+49 30 123"),
    "a bold link": ((Run("here", "bold", "https://example.org"), Run(" now")), "*here* https://example.org now"),
    "Arabic": ((Run("ريتوكسيماب", "bold"), Run(" (Rituximab) دواء")), "*ريتوكسيماب* (Rituximab) دواء"),
    "within an Arabic word": ((Run("ال"), Run("دواء", "bold")), "الدواء"),
    "emoji": ((Run(FAMILY, "bold"), Run(" x")), f"*{FAMILY}* x"),
}


@pytest.mark.parametrize(("line", "expected"), LINES.values(), ids=LINES)
def test_styles_and_links(line: Line, expected: str, english: Language) -> None:
    """Styles where WhatsApp would see them, free marks broken, links readable, words whole."""
    [message] = sent(Reply((Paragraph(line),)), english)
    assert body(message) == expected


@pytest.mark.parametrize("text", ["__init__", "_*x*_", "_~x~_"])
def test_marks_beside_an_underscore_are_broken_too(text: str, english: Language) -> None:
    """No mark of a free text is left that WhatsApp would read as one."""
    [message] = sent(Reply(words(text)), english)
    left = re.findall(rf"(?<![A-Za-z{J}])[*_~`]|(?<=[{J}])[*_~`](?!{J})", body(message))
    assert left == []


@pytest.mark.parametrize("behind", ["s", "/y", "👍"])
def test_a_link_ends_where_it_ends(english: Language, behind: str) -> None:
    """A link within a word leads where it leads."""
    [message] = sent(Reply((Paragraph((Run("page", href="https://example.org/x"), Run(behind))),)), english)
    assert re.search(r"https://\S+", body(message))[0] == "https://example.org/x"  # type: ignore[index]


def test_lists_and_paragraphs(english: Language) -> None:
    """Bullets, numbers that count, a blank line between blocks, styles within items."""
    blocks: Document = (
        Paragraph((Run("a"),)),
        Listing(((Run("b", "bold"),), (Run("c"),))),
        Listing(((Run("d"),), (Run("e", href="tel:112"),)), ordered=True),
    )
    [message] = sent(Reply(blocks), english)
    assert body(message) == "a\n\n• *b*\n• c\n\n1. d\n2. e 112"


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("", 5, ""),
        ("hello", 5, "hello"),
        ("hello!", 5, "hell…"),
        ("one two", 5, "one…"),
        ("👍👍", 4, "👍👍"),
        ("👍👍👍", 4, "👍…"),
        ("👍👍👍", 5, "👍👍…"),
        (f"abc{FAMILY}", 7, "abc👩…"),
        ("e\u0301" * 3, 5, "e\u0301e…"),
        ("كِتاب", 4, "كِت…"),
        ("كتِاب", 4, "كت…"),
    ],
)
def test_a_text_that_is_too_long_is_cut(text: str, limit: int, expected: str) -> None:
    """Cut by code units, with an ellipsis, no half characters and nothing hanging at the end; what fits is left alone."""
    assert cut(text, limit) == expected


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 80))
def test_what_is_cut_fits(text: str, limit: int) -> None:
    """Whatever it is, it fits and begins as it did; what is not cut is the same."""
    short = cut(text, limit)
    assert size(short) == units(short) <= limit
    assert short == text if units(text) <= limit else short.endswith("…") and text.startswith(short[:-1])


# --- choices ---------------------------------------------------------------------------------------------------


def buttons(count: int, label: Callable[[int], str] = "Choice {}".format, **more: Any) -> tuple[Button, ...]:
    return tuple(Button(f"id:{number}", label(number), **more) for number in range(1, count + 1))


HOME = Button("home", "Main menu")
HOME_ASIDE = Button("home", "Main menu", aside=True)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        (["a"], "button"),
        (["a", "b", "c"], "button"),
        (["a", "b", "c", "d"], "list"),
        (["a", "a"], "list"),
        (["x" * 20, "b"], "button"),
        (["x" * 21, "b"], "list"),
        (["👍" * 10], "button"),
        (["👍" * 11], "list"),
        ([str(number) for number in range(10)], "list"),
    ],
)
def test_few_choices_are_buttons_and_more_a_list(labels: list[str], kind: str, english: Language) -> None:
    """Up to three short and different ones stand below the text, up to ten in a list; every id is there."""
    choices = tuple(Button(f"id:{number}", label) for number, label in enumerate(labels))
    [message] = sent(Reply(words("Choose"), choices), english)
    assert message["interactive"]["type"] == kind
    found = [each["reply"] for each in message["interactive"]["action"]["buttons"]] if kind == "button" else rows(message)
    assert [each["id"] for each in found] == [choice.id for choice in choices]


def test_choices_and_ways_back_stand_apart(english: Language) -> None:
    """A list has a section for the choices and one for the rest, each with its heading; an empty one is left out."""
    [message] = sent(Reply(words("Choose"), buttons(4), (HOME,)), english)
    sections = message["interactive"]["action"]["sections"]
    assert [section["title"] for section in sections] == [english.about["list_choices"], english.about["list_more"]]
    assert [len(section["rows"]) for section in sections] == [4, 1]
    [message] = sent(Reply(words("Choose"), (), (*buttons(4), HOME)), english)
    assert [section["title"] for section in message["interactive"]["action"]["sections"]] == [english.about["list_more"]]


def test_a_long_label_is_told_below(english: Language) -> None:
    """A label too long for its row is cut there and whole in the description, unless that says something else."""
    long = "A label that is longer than a row"
    choices = (Button("1", long), Button("2", long, "told"), Button("3", "short", "d" * 100), Button("4", "x"))
    [message] = sent(Reply(words("Choose"), choices), english)
    shown = [(row["title"], row.get("description")) for row in rows(message)]
    assert shown == [(cut(long, 24), long), (cut(long, 24), "told"), ("short", "d" * 71 + "…"), ("x", None)]


@pytest.mark.parametrize(("choices", "navigation"), [(11, 0), (10, 1), (30, 5)])
def test_too_many_choices_are_numbered(choices: int, navigation: int, english: Language) -> None:
    """More than ten are written out with the numbers that may be typed, in the order in which they count, long labels too."""
    labels = [*(f"Choice {number} *" + "x" * 200 for number in range(choices)), *(f"Back {number}" for number in range(navigation))]
    made = tuple(Button(str(number), label) for number, label in enumerate(labels))
    reply = Reply(words("Choose"), made[:choices], made[choices:], title="Home")
    messages = sent(reply, english)
    assert {message["type"] for message in messages} == {"text"}
    text = "\n".join(map(body, messages)).replace(J, "")
    assert text.startswith("*Home*\n\nChoose\n")
    assert [f"{number}. {label}" for number, label in enumerate(labels, 1)] == [line for line in text.split("\n") if ". " in line]


def test_numbers_count_as_the_dialogue_counts(english: Language) -> None:
    """A button of another kind among them keeps its number, so that what is typed means what is read."""
    made = (*buttons(6), Button("share", "My number", kind="share_phone"), *buttons(5, "Other {}".format))
    made = tuple(Button(f"{number}", each.label, kind=each.kind) for number, each in enumerate(made))
    text, _ = sent(Reply(words("Choose"), made), english)
    assert "7. My number\n8. Other 1" in body(text)


def test_in_a_step_what_is_aside_is_left_out(english: Language) -> None:
    """Where three choices matter they stand below the text without what is aside, and the footer says how to leave."""
    aside = (Button("privacy", "Privacy", aside=True), HOME_ASIDE)
    step = (Button("yes", "I agree"), Button("no", "No"))
    [message] = sent(Reply(words("Do you agree?"), step, aside), english)
    assert titles(message) == ["I agree", "No"]
    assert message["interactive"]["footer"]["text"] == english.about["typed"]
    [message] = sent(Reply(words("Do you agree?"), step, aside[:1]), english)
    assert titles(message) == ["I agree", "No", "Privacy"]
    assert "footer" not in message["interactive"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(words("x"), buttons(3), (HOME_ASIDE,), title="A page"),
        Reply(words("x"), buttons(3, description="told"), (HOME_ASIDE,)),
        Reply(words("x"), buttons(4), (HOME_ASIDE,)),
    ],
    ids=["a page", "described choices", "four that matter"],
)
def test_elsewhere_nothing_is_left_out(reply: Reply, english: Language) -> None:
    """On a page, among choices that are described, and where too many matter, what is aside is in the list too."""
    [message] = sent(reply, english)
    assert [row["id"] for row in rows(message)] == [button.id for button in reply.buttons]


@pytest.mark.parametrize(
    ("reply", "header", "footer"),
    [
        (Reply(words("x"), buttons(1)), None, None),
        (Reply(words("x"), buttons(1), title="Sleep"), "Sleep", "General information, not medical advice."),
        (Reply(words("x"), buttons(1), title="Danger", style="warning"), "Danger", None),
        (Reply(words("General information, not medical advice."), buttons(1), title="Home"), "Home", None),
        (Reply(words("x"), buttons(5), title="👍" * 40), "👍" * 29 + "…", "General information, not medical advice."),
    ],
)
def test_header_and_footer(reply: Reply, header: str | None, footer: str | None, english: Language) -> None:
    """A page has its title above and the disclaimer below, a warning no small print, nothing what it says already."""
    [message] = sent(reply, english)
    content = message["interactive"]
    assert content.get("header") == (header and {"type": "text", "text": header})
    assert content.get("footer") == (footer and {"text": footer})


@pytest.mark.parametrize("code", ["en", "de", "ar", "ru"])
def test_the_main_menu_says_once_what_the_bot_is_not(code: str, content: Content, now: datetime) -> None:
    """In every language "no medical advice" stands in the main menu's text and not once more below it, where other pages have it."""
    language, session = content.languages[code], Session(language=code)
    home, page = (
        sent(advance(session, event, content, now).replies[-1], language)[-1] for event in (Started(), Press("page:symptoms/eyes"))
    )
    assert language.about["footer"] in home["interactive"]["body"]["text"]
    assert "footer" not in home["interactive"]
    assert page["interactive"]["footer"] == {"text": language.about["footer"]}


def test_without_buttons_the_title_stands_above(english: Language) -> None:
    """A text alone begins with its title in bold; a title alone, and nothing at all, are messages too."""
    assert [body(message) for message in sent(Reply(words("x"), title="a *b*"), english)] == [f"*a {J}*{J}b{J}*{J}*\n\nx"]
    assert body(sent(Reply((), buttons(1), title="Sleep"), english)[0]) == "Sleep"
    assert body(sent(Reply(()), english)[0]) == "…"


def test_a_card_comes_first(english: Language) -> None:
    """The operator's card is a message of its own before the page."""
    card, page = sent(Reply(words("x"), buttons(1), card=CARD), english)
    [contact] = card["contacts"]
    assert (contact["phones"][0]["phone"], contact["emails"][0]["email"]) == (CARD.phone, CARD.email)
    assert contact["name"]["formatted_name"] == CARD.name
    assert page["type"] == "interactive"


def test_the_number_is_asked_for_last(english: Language) -> None:
    """WhatsApp's own button for the number is a message of its own after the others, also when it is the only one."""
    share = Button("share-phone", "Share my number", kind="share_phone")
    page, asking = sent(Reply(words("Which number?"), (share, *buttons(2))), english)
    assert titles(page) == ["Choice 1", "Choice 2"]
    assert asking["interactive"] == {
        "type": "request_contact_info",
        "body": {"text": "Share my number"},
        "action": {"name": "request_contact_info"},
    }
    page, asking = sent(Reply(words("Which number?"), (share,)), english)
    assert (page["type"], asking["interactive"]["type"]) == ("text", "request_contact_info")


def test_a_long_text_is_parted_and_the_buttons_come_last(english: Language) -> None:
    """The end of a long page stands with its buttons, what comes before in as few texts as can be."""
    blocks = tuple(Paragraph((Run(f"{number} " + "x" * 900),)) for number in range(9))
    *before, last = sent(Reply(blocks, buttons(2)), english)
    assert [message["type"] for message in (*before, last)] == ["text", "text", "interactive"]
    assert "\n\n".join(map(body, (*before, last))) == plain(blocks)


def test_a_template_has_one_line() -> None:
    """In a template the words stand on one line without runs of spaces, cut where they must be, and never empty."""
    document: Document = (Paragraph((Run("a  b\n\tc"),)), Listing(((Run("d", "bold"),), (Run("e"),))))
    message = template("news", "de", document)
    assert message["template"]["components"][0]["parameters"][0]["text"] == "a b c • *d* • e"
    assert (message["template"]["name"], message["template"]["language"]) == ("news", {"code": "de"})
    for odd in ((), words(" \n "), words("x" * 5000), words(FAMILY * 900)):
        made = template("news", "en", odd)
        assert faults(made) == []
        assert units(made["template"]["components"][0]["parameters"][0]["text"]) <= MAX_PARAMETER


# --- everything together ---------------------------------------------------------------------------------------

_WORDS = st.text(st.sampled_from("abcXYZ019*_~`.,:;-()👍ñاب\u0301\u200d"), min_size=1, max_size=9).filter(
    lambda word: word.strip("\u0301\u200d")
)
_LONG = st.builds(lambda word, times: word * times, _WORDS, st.integers(50, 600))
_TEXT = st.lists(_WORDS | _LONG, min_size=1, max_size=40).map(" ".join)
_HREF = st.sampled_from(["", "", "https://example.org/a_b", "mailto:a@example.org", "tel:+49301234567"])
_RUNS = st.builds(Run, _TEXT, st.sampled_from(["", "bold", "italic"]), _HREF)
_LINE = st.lists(_RUNS, min_size=1, max_size=4).map(tuple)
_PARAGRAPH = st.lists(_LINE, min_size=1, max_size=3).map(lambda lines: Paragraph((*chain(*((*line, Run("\n")) for line in lines)),)[:-1]))
_BLOCK: st.SearchStrategy[Block] = _PARAGRAPH | st.builds(Listing, st.lists(_LINE, min_size=1, max_size=6).map(tuple), st.booleans())
_DOCUMENT = st.lists(_BLOCK, min_size=1, max_size=6).map(tuple)
_LABEL = st.sampled_from(["same", "same"]) | _TEXT.map(lambda text: text[:60].strip() or "x")


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    labels = draw(st.lists(_LABEL, max_size=14))
    made = tuple(
        Button(f"id:{number}", label, draw(st.just("") | _LABEL), primary=draw(st.booleans()), aside=draw(st.booleans()))
        for number, label in enumerate(labels)
    )
    asking = draw(st.sampled_from([(), (Button("share", "Share my number", kind="share_phone"),)]))
    choices = draw(st.integers(0, len(made)))
    return Reply(
        draw(_DOCUMENT),
        made[:choices],
        (*made[choices:], *asking),
        title=draw(st.sampled_from(["", "Sleep", "*" * 99, FAMILY * 30])),
        style=draw(st.sampled_from(["", "warning"])),
        card=draw(st.sampled_from([None, CARD])),
    )


def bare(text: str) -> str:
    """Without spaces, marks and what breaks them."""
    return re.sub(rf"[\s*_~`{J}]", "", text)


@settings(max_examples=60, deadline=None)
@given(replies())
def test_whatever_is_said_fits_and_nothing_is_lost(content: Content, reply: Reply) -> None:
    """Any document with any choices: every limit held, no empty text, every word there in its order, every choice in reach."""
    messages = sent(reply, content.language("en"))
    said = bare("".join(body(message) for message in messages if message["type"] != "contacts"))
    for run in chain.from_iterable([block.runs] if isinstance(block, Paragraph) else block.items for block in reply.body):
        for each in run:
            start = said.find(bare(each.text))
            assert start >= 0
            said = said[start + len(bare(each.text)) :]
    offered = [each["reply"]["id"] for message in messages for each in message.get("interactive", {}).get("action", {}).get("buttons", [])]
    offered += [row["id"] for message in messages if message.get("interactive", {}).get("type") == "list" for row in rows(message)]
    missing = [button for button in reply.buttons if button.kind == "press" and button.id not in offered]
    assert all(button.aside for button in missing) or len(reply.buttons) > 10


def test_every_screen_fits_whatsapp(content: Content, now: datetime) -> None:
    """Each screen of the shipped content gives messages within all limits, at most one of them beside card, warning and number."""
    for name, reply in screens(content, now).items():
        messages = sent(reply, content.language(name.partition(" ")[0]))
        kinds = [message.get("interactive", {}).get("type", message["type"]) for message in messages]
        page = [kind for kind in kinds if kind not in ("contacts", "request_contact_info")]
        assert page in (["text"], ["button"], ["list"], ["text", "button"]), name


# --- parting ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "limit", "expected"),
    [
        ([], 10, []),
        (["a"], 10, ["a"]),
        (["a", "b"], 10, ["a\n\nb"]),
        (["aaaa", "bbbb"], 10, ["aaaa\n\nbbbb"]),
        (["aaaa", "bbbbb"], 10, ["aaaa", "bbbbb"]),
        (["aaaa\nbbbb\ncccc"], 10, ["aaaa\nbbbb", "cccc"]),
        (["aaa bbb ccc ddd"], 10, ["aaa bbb", "ccc ddd"]),
        (["aaaa\nbbb ccc ddd"], 10, ["aaaa", "bbb ccc", "ddd"]),
        (["x" * 25], 10, ["x" * 10, "x" * 10, "x" * 5]),
        (["one " + "x" * 12], 10, ["one", "x" * 10, "xx"]),
        (["aaaa", "b" * 12, "c"], 10, ["aaaa", "b" * 10, "bb\n\nc"]),
        (["👍" * 4], 5, ["👍👍", "👍👍"]),
    ],
)
def test_long_texts_are_parted(blocks: list[str], limit: int, expected: list[str]) -> None:
    """Between blocks where that is possible, else between lines, else between words, a word only when it must be."""
    assert parted(blocks, limit, size) == expected


@given(
    st.lists(_TEXT | st.lists(_TEXT, min_size=1, max_size=4).map("\n".join), max_size=5), st.sampled_from([4, 10, 100, MAX_BODY, MAX_TEXT])
)
def test_parting_loses_nothing(blocks: list[str], limit: int) -> None:
    """Every part fits and says something, the parts together are the whole, and a word that fits is in one part."""
    whole = "\n\n".join(blocks)
    texts = parted(blocks, limit, size)
    assert all(text and size(text) <= limit for text in texts)
    assert "".join("".join(texts).split()) == "".join(whole.split())
    if all(size(word) <= limit for word in whole.split()):
        assert [word for text in texts for word in text.split()] == whole.split()


@given(st.lists(_WORDS, min_size=1, max_size=30))
def test_no_more_parts_than_needed(blocks: list[str]) -> None:
    """What fits into one text with its neighbour is not parted from it."""
    texts = parted(blocks, 30, size)
    assume(len(texts) > 1)
    assert all(size(a) + size(b) + 2 > 30 for a, b in pairwise(texts))


@pytest.mark.parametrize("block", ["\n" + "x" * 10, "x" * 10 + "\n", "x" * 10 + " ", "x" * 10 + "\n\n" + "y" * 10])
def test_no_part_is_empty(block: str) -> None:
    """WhatsApp refuses an empty text, and with it the whole message."""
    assert all(parted([block], 10, size))
