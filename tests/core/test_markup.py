"""The small Markdown of the content: what it may hold, and that values put into it stay values."""

import pytest

from bot.core import markup
from bot.core.markup import Document, Listing, Paragraph, Run, blanks, fill, fill_text, plain, words

HOSTILE = [
    "*{x}*",
    "{phone}",
    "**bold**",
    "[a](https://evil.example)",
    "<b>x</b>",
    "a\nb",
    "- item",
    "\\n",
    "{",
    "}}{{",
    "`code`",
    "\u202e",
]


def parse(text: str) -> Document:
    """The blocks of a text without mistakes."""
    document, mistakes = markup.parse(text)
    assert mistakes == []
    return document


def test_everything_allowed_is_read() -> None:
    """Paragraphs, line breaks, both lists, bold, italic and links come out as data."""
    document = parse("Hello **dear** *reader*,\nsecond line.\n\n- one\n- [two](https://example.org)\n\n1. first\n2. second\n")
    assert document == (
        Paragraph((Run("Hello "), Run("dear", "bold"), Run(" "), Run("reader", "italic"), Run(","), Run("\n"), Run("second line."))),
        Listing(((Run("one"),), (Run("two", href="https://example.org"),))),
        Listing(((Run("first"),), (Run("second"),)), ordered=True),
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("fine\n\n# Heading", 2, "heading"),
        ("fine\n\n![x](https://example.org/x.png)", 2, "image"),
        ("a\nb `code`", 1, "code inline"),
        ("    indented", 0, "code block"),
        ("```\ncode\n```", 0, "fence"),
        ("> quote", 0, "blockquote"),
        ("one\n\n---\n", 2, "hr"),
        ("- one\n  - nested", 1, "only plain lines"),
        ("- one\n\n  # Heading", 2, "only plain lines"),
        ("a\nb [x](ftp://example.org)", 1, "must begin with https"),
        ("[x](http://example.org)", 0, "must begin with https"),
        ("[x](/local)", 0, "must begin with https"),
    ],
)
def test_what_no_messenger_shows_is_refused(text: str, line: int, message: str) -> None:
    """The error names the thing and its line, counted from 0."""
    _, [mistake] = markup.parse(text)
    assert message in mistake.message
    assert mistake.line == line


def test_every_mistake_is_told_at_once() -> None:
    """One reading finds all that is wrong with a text, and keeps the rest."""
    document, mistakes = markup.parse("# One\n\nfine\n\n> two\n\n- a\n  - b\n- `c` ![d](e.png)\n")
    assert [mistake.line for mistake in mistakes] == [0, 4, 7, 8, 8]
    assert plain(document).startswith("fine")


@pytest.mark.parametrize("text", ["<b>x</b>", "<script>alert(1)</script>", "&lt;", "a < b", "<!-- hidden -->", "[x](javascript:alert(1))"])
def test_html_and_scripts_are_text(text: str) -> None:
    """Tags, entities and script links are shown as they stand; no channel ever gets them as markup."""
    assert plain(parse(text)) == text


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_what_it_is(value: str) -> None:
    """Whatever a person is called, it is neither markup nor a blank of its own."""
    document = fill(parse("Name: **{name}**, {phone}"), {"name": value, "phone": "P"})
    assert plain(document) == f"Name: {value}, P"
    (paragraph,) = document
    assert isinstance(paragraph, Paragraph)
    assert [run.style for run in paragraph.runs] == ["", "bold", ""]


def test_a_line_with_an_empty_value_falls_away() -> None:
    """What is not known yet is not mentioned; a block of such lines disappears, an item of a list too."""
    text = "First {a}\nSecond {b}\nThird\n\n{a}\n\n- one {a}\n- two\n\n1. {a}"
    assert plain(fill(parse(text), {"a": "", "b": "B"})) == "Second B\nThird\n\n• two"


def test_blanks_nobody_fills_stay() -> None:
    """An unknown blank is left standing, so that the check can report it."""
    document = fill(parse("{known} {unknown} [{phone}](tel:{phone})"), {"known": "K"})
    assert plain(document) == "K {unknown} {phone}"
    assert blanks(document) == {"unknown", "phone"}


def test_a_number_in_a_link_loses_its_spaces() -> None:
    """`tel:` links take no spaces; the number that is read keeps them."""
    (paragraph,) = fill(parse("[{phone}](tel:{phone})"), {"phone": "+49 30 123"})
    assert paragraph == Paragraph((Run("+49 30 123", href="tel:+4930123"),))


def test_style_inside_a_link_and_after_it() -> None:
    """A bold link is both; what follows is neither."""
    (paragraph,) = parse("**[x](https://example.org) y** z")
    assert paragraph == Paragraph((Run("x", "bold", "https://example.org"), Run(" y", "bold"), Run(" z")))


def test_italic_inside_bold_ends_where_it_ends() -> None:
    """After an italic word the rest of a bold sentence is bold still."""
    (paragraph,) = parse("**a *b* c**")
    assert isinstance(paragraph, Paragraph)
    assert paragraph.runs[-1] == Run(" c", "bold")


def test_plain_text_has_marks_of_lists() -> None:
    """Readers of plain text see bullets and numbers."""
    assert plain(parse("a\n\n- b\n- c\n\n1. d\n2. e")) == "a\n\n• b\n• c\n\n1. d\n2. e"


def test_ready_words_are_no_markup() -> None:
    """`words` takes text as it is, and nothing as nothing."""
    assert plain(words("**x** {y}")) == "**x** {y}"
    assert words("") == ()


def test_labels_are_filled_the_same_way() -> None:
    """Known blanks of a plain label are filled, others left."""
    assert fill_text("{a} {b}", {"a": "{b}"}) == "{b} {b}"
