"""The staff desk as staff use it: with a real browser, at a desk and on a phone, by mouse and by keyboard."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from desk_people import PASSWORD
from office import ZONE, Office, Windows, request_page
from playwright.sync_api import Locator, Page, expect
from pyotp import TOTP


def line(page: Page, reference: str) -> Locator:
    """The request's line in the queue."""
    return page.locator(".queue tbody tr", has_text=reference)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def waiting(page: Page) -> int:
    """How many requests nobody has taken, as the page says."""
    return int(page.locator("[data-view=unassigned] .count").inner_text())


def test_signing_in_and_out(window: Windows, office: Office) -> None:
    """A wrong password is refused in words and the name is kept; the right one opens the queue; signed out, the queue is closed."""
    page = window()
    page.get_by_label("Name").fill("Ada")
    page.get_by_label("Password").fill("not the password")
    button(page, "Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    expect(page.get_by_label("Name")).to_have_value("Ada")
    window.sign_in(page, "Ada")
    button(page, "Sign out").click()
    expect(page).to_have_title("Sign in")
    page.goto(f"{office.server.url}/staff/")
    expect(page.get_by_label("Password")).to_be_visible()


def test_one_time_codes(window: Windows) -> None:
    """Who has set up one-time codes is asked for one after the password, and a wrong one lets nobody in."""
    page = window("Cara")
    page.get_by_role("link", name="Cara").click()
    button(page, "Set up").click()
    code = TOTP(page.locator("#h-totp ~ p code").inner_text())
    page.get_by_role("textbox", name="One-time code").fill(code.now())
    button(page, "Switch on").click()
    expect(page.get_by_role("status").filter(has_text="One-time codes are on")).to_be_visible()
    button(page, "Sign out").click()
    for typed in ("", "000000", code.at(datetime.now(UTC) + timedelta(seconds=30))):  # each counts once: the next one
        page.get_by_label("Password").fill(PASSWORD)
        if typed:
            page.get_by_role("textbox", name="One-time code").fill(typed)
        else:
            page.get_by_label("Name").fill("Cara")
        button(page, "Sign in").click()
        expected = {"": "type the one-time code", "000000": "does not count"}.get(typed)
        if expected:
            expect(page.get_by_role("alert")).to_contain_text(expected)
    expect(page.locator("nav.views")).to_be_visible()


def test_what_is_overdue_comes_first(window: Windows, office: Office) -> None:
    """The line of a request whose time has passed is on top, says for how long, and the view of what is due counts it."""
    late = office.asks("+44 20 7946 0101", "Lea Example")
    early = office.asks("+44 20 7946 0102", "Max Example")
    office.next_step(late, timedelta(days=9))
    page = window("Ada")
    expect(page.locator(".queue tbody tr").first).to_contain_text("Lea Example")
    expect(line(page, late)).to_contain_text("overdue for 9 days")
    expect(line(page, late)).to_have_class("overdue")
    expect(line(page, early)).not_to_have_class("overdue")
    page.get_by_role("link", name="Due").click()
    expect(line(page, late)).to_be_visible()
    expect(line(page, early)).to_have_count(0)


def test_one_tap_calls_or_writes(window: Windows, office: Office) -> None:
    """The number is a link that dials, the address one that opens a letter with subject and greeting."""
    page = window("Ada")
    request_page(page, office, office.asks("+44 20 7946 0103", "Mia Example"))
    expect(page.get_by_role("link", name="Call")).to_have_attribute("href", "tel:+442079460103")
    reference = office.asks("noa@example.org", "Noa Example")
    request_page(page, office, reference)
    link = page.get_by_role("link", name="Write to noa@example.org")
    expect(link).to_have_attribute("href", re.compile(rf"^mailto:noa@example\.org\?subject=.*{reference}.*&body=.*Noa%20Example"))
    expect(page.get_by_role("link", name="Call")).to_have_count(0)


def test_of_two_who_claim_one_has_it(window: Windows, office: Office) -> None:
    """The second one is told who was faster, and the page shows how it stands now."""
    reference = office.asks("+44 20 7946 0104", "Ole Example")
    ada, ben = window("Ada"), window("Ben")
    ben.route("**/staff/events", lambda route: route.abort())  # his page has not heard of it yet
    for page in (ada, ben):
        request_page(page, office, reference)
    button(ada, "I take it").click()
    expect(ada.get_by_text("It is yours. Nobody else will call.")).to_be_visible()
    button(ben, "I take it").click()
    expect(ben.get_by_role("alert")).to_contain_text("Ada was faster: took it.")
    expect(ben.locator(".chip")).to_have_text("claimed · Ada")
    expect(button(ben, "I take it")).to_have_count(0)


def test_an_attempt_with_a_time_for_the_next(window: Windows, office: Office) -> None:
    """No answer, and a time of one's own: the page and the history show it by the clock of who reads."""
    page = window("Ben")
    request_page(page, office, office.asks("+44 20 7946 0105", "Pia Example"))
    button(page, "I take it").click()
    again = (datetime.now(ZoneInfo(ZONE)) + timedelta(days=2)).replace(hour=15, minute=35)
    form = page.locator("#form-attempt")
    form.get_by_role("radio", name="No answer").check()
    form.get_by_role("radio", name="At a time of your own").check()
    form.get_by_label("Time of your own", exact=True).fill(f"{again:%Y-%m-%dT%H:%M}")
    form.get_by_label("Note (if you like)").fill("A neighbour answered: try again in two days")
    button(page, "Save the attempt").click()
    expect(page.get_by_text("The attempt is saved.")).to_be_visible()
    expect(page.locator(".step")).to_contain_text(f"{again:%a} {again.day} {again:%b}, 15:35")
    newest = page.locator(".timeline li").first
    expect(newest).to_contain_text(f"Ben tried to reach them: No answer, next {again:%a}")
    expect(newest.locator("blockquote")).to_contain_text("A neighbour answered")


def test_a_message_arrives_in_the_open_chat(window: Windows, office: Office) -> None:
    """What staff write stands in the caller's chat without anybody reloading; a search for the number finds the request."""
    chat, page = window(width=390, height=844), window("Ada")
    chat.goto(office.server.url)
    for label in ("Free consultation", "Request a callback", "I agree"):
        chat.locator("#actions").get_by_role("button", name=label).first.click()
    expect(chat.locator("#log article.bot").last).to_contain_text("Which number")
    chat.get_by_role("textbox").fill("+44 20 7946 0106")
    chat.keyboard.press("Enter")
    chat.locator("#actions").get_by_role("button", name="Send").first.click()
    expect(chat.locator("#log article.bot").last).to_contain_text("has reached us")
    page.get_by_role("searchbox").fill("946 0106")
    page.keyboard.press("Enter")
    page.locator(".queue tbody tr a").click()
    page.get_by_label("Prepared texts").select_option(label="Which time suits?")
    expect(page.get_by_label("Message (English)")).to_have_value(re.compile("Which time suits you"))
    page.get_by_label("Message (English)").fill("We call you tomorrow at ten.")
    button(page, "Send").click()
    expect(page.get_by_text("The message is on its way.")).to_be_visible()
    expect(chat.locator("#log article.bot").last).to_contain_text("We call you tomorrow at ten.")


def test_a_prepared_text_takes_nothing_away(window: Windows, office: Office) -> None:
    """It replaces an untouched one; behind what somebody has typed it comes after an empty line, and their words stay."""
    page = window("Ada")
    request_page(page, office, office.asks("+44 20 7946 0119", "Sue Example"))
    field, prepared = page.get_by_label("Message (English)"), page.get_by_label("Prepared texts")
    texts = [str(option.get_attribute("value")).strip() for option in prepared.locator("option").all()]
    prepared.select_option(index=1)
    expect(field).to_have_value(re.compile(f"^{re.escape(texts[1])}\\s*$"))
    prepared.select_option(index=2)
    expect(field).to_have_value(re.compile(f"^{re.escape(texts[2])}\\s*$"))
    field.fill("I have asked our doctor.")
    prepared.select_option(index=1)
    expect(field).to_have_value(re.compile(f"^I have asked our doctor\\.\n\n{re.escape(texts[1])}\\s*$"))


def test_news_come_by_themselves(window: Windows, office: Office) -> None:
    """A new request appears in the open queue, and the window's title counts it, without a reload."""
    office.asks("+44 20 7946 0107", "Rosa Example")
    page = window("Ada")
    page.evaluate("document.body.dataset.mine = 'not reloaded'")
    before = waiting(page)
    expect(page).to_have_title(re.compile(rf"^\({before}\) All"))
    reference = office.asks("+44 20 7946 0108", "Sam Example")
    expect(line(page, reference)).to_contain_text("Sam Example")
    expect(page).to_have_title(re.compile(rf"^\({before + 1}\) All"))
    expect(page.locator("[data-view=unassigned] .count")).to_have_text(str(before + 1))
    expect(page.locator("body")).to_have_attribute("data-mine", "not reloaded")


def test_what_somebody_types_is_left_alone(window: Windows, office: Office) -> None:
    """While a note is being written the request changes: the page says so, and the note is still there."""
    reference = office.asks("+44 20 7946 0109", "Tom Example")
    page = window("Ada")
    request_page(page, office, reference)
    page.get_by_text("Note for the team").click()
    page.locator("#note-words").fill("Half a sentence")
    office.act("claim", reference, "Ben")
    expect(page.locator("#changed")).to_contain_text("has changed meanwhile")
    expect(page.locator(".chip")).to_have_text("claimed · Ben")
    expect(page.locator("#note-words")).to_have_value("Half a sentence")


def test_the_keyboard_is_enough(window: Windows, office: Office) -> None:
    """Signing in, the lines, a request, taking it, saving an attempt, the sheet of keys: no pointer is needed."""
    references = [office.asks(f"+44 20 7946 011{digit}", f"{name} Example") for digit, name in enumerate(("Udo", "Vera"))]
    for reference in references:
        office.next_step(reference, timedelta(days=30))
    page = window()
    keys = page.keyboard
    keys.type("Ben")
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    expect(page.locator("nav.views")).to_be_visible()
    lines = page.locator(".queue th a")
    for key, number in (("j", 0), ("j", 1), ("k", 0)):
        keys.press(key)
        expect(lines.nth(number)).to_be_focused()
    keys.press("Enter")
    expect(page.locator("h1")).to_have_text("Udo Example")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    keys.press("c")
    expect(page.locator(".chip")).to_have_text("claimed · Ben")
    keys.press("a")
    expect(page.get_by_role("radio", name="Reached", exact=True)).to_be_focused()
    keys.press("Space")
    keys.press("Enter")
    expect(page.get_by_text("The attempt is saved.")).to_be_visible()
    keys.press("g")
    keys.press("m")
    expect(page.locator("nav.views [aria-current=page]")).to_contain_text("Mine")


PATHS = ("", "account", "admin", "audit", "?view=closed", "nowhere")


@pytest.mark.parametrize("name", ["Ada", "Dora"])
def test_a_narrow_phone_is_wide_enough(window: Windows, office: Office, name: str) -> None:
    """At 360 pixels no page has to be moved sideways, in either language, and everything to tap is as large as a thumb."""
    long = office.asks("+44 20 7946 0120", "Wilhelmine Annegret Freifrau von Example-Langenfeld", "treatment")
    office.next_step(long, timedelta(days=3))
    page = window(width=360, height=740, has_touch=True)
    fits(page)
    window.sign_in(page, name)
    for path in (*PATHS, f"requests/{long}"):
        page.goto(f"{office.server.url}/staff/{path}")
        fits(page)
    page.locator("#form-claim button").tap()
    expect(page.locator(".notice.good")).to_be_visible()
    fits(page)
    office.act("release", long, name)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), page.url
    parts = page.locator("button:visible, a.button:visible, select:visible, summary:visible, nav a:visible")
    assert parts.evaluate_all("parts => parts.filter(part => part.getBoundingClientRect().height < 44).map(part => part.outerHTML)") == []


def test_the_desk_speaks_german(window: Windows, office: Office) -> None:
    """Before somebody is signed in the browser's language counts, then that of their account."""
    reference = office.asks("+44 20 7946 0121", "Xenia Example")
    page = window(locale="de-DE")
    expect(button(page, "Anmelden")).to_be_visible()
    window.sign_in(page, "Dora")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(line(page, reference)).to_contain_text("frei")
    request_page(page, office, reference)
    button(page, "Ich übernehme").click()
    expect(page.get_by_text("Sie haben die Anfrage. Niemand sonst ruft an.")).to_be_visible()
    expect(page.locator(".timeline li").first).to_contain_text("Dora hat")
