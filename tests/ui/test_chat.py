"""The chat page as people use it: on a phone, with a real browser."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Server
from playwright.sync_api import Locator, Page, expect

PICTURES = os.environ.get("SCREENSHOTS")  # a folder to keep pictures in, for looking at


def newest(page: Page) -> Locator:
    return page.locator("#log article.bot").last


def tap(page: Page, label: str) -> None:
    """Taps a button of the newest message."""
    page.locator("#actions").get_by_role("button", name=label).first.tap()


def read(page: Page, words: str) -> None:
    """Waits until the newest message says this."""
    expect(newest(page)).to_contain_text(words)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        expect(page.locator("#actions button").first).to_be_visible()
        page.wait_for_timeout(400)  # the buttons fade in
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def queued(server: Server, number: str) -> list[dict[str, str]]:
    """The requests in the queue that ask for a call to this number."""
    found: list[dict[str, str]] = json.loads(server.command("requests", "list", "--json"))
    return [request for request in found if request["phone"] == number]


def top(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["y"]


def until(page: Page, met: Callable[[], bool]) -> None:
    """Waits for a condition the library has no words for."""
    for _ in range(100):
        if met():
            return
        page.wait_for_timeout(50)
    raise AssertionError("waited in vain")


def to_the_number(page: Page) -> None:
    read(page, "Choose a topic")
    for label, words in (("Free consultation", "free"), ("Request a callback", "Do you agree?"), ("I agree", "Which number")):
        tap(page, label)
        read(page, words)


def test_from_home_to_sent(phone: Page, server: Server) -> None:
    """Home, symptoms, a page, back, callback, sent: nothing is typed but a phone number, and the queue has it."""
    read(phone, "Choose a topic")
    picture(phone, "home")
    for label, words in (
        ("Symptoms", "OMS can affect"),
        ("Eye movements", "opsoclonus"),
        ("Back", "OMS can affect"),
        ("Main menu", "Choose"),
    ):
        tap(phone, label)
        read(phone, words)
        picture(phone, label.lower().replace(" ", "-"))
    to_the_number(phone)
    picture(phone, "number")
    phone.get_by_role("textbox").fill("612 345 678")
    phone.keyboard.press("Enter")
    read(phone, "Is this right?")
    picture(phone, "summary")
    tap(phone, "Send")
    read(phone, "has reached us")
    picture(phone, "sent")
    [request] = queued(server, "+34612345678")
    assert request["state"] == "new"
    assert request["reference"] in newest(phone).inner_text()


def test_a_kill_in_the_middle_loses_nothing(phone: Page, server: Server) -> None:
    """kill -9 while the number is asked for; after the next start the conversation goes on where it was."""
    to_the_number(phone)
    server.kill()
    phone.get_by_role("textbox").fill("+44 20 7946 0018")
    phone.keyboard.press("Enter")
    expect(phone.locator("#notice")).to_contain_text("No connection")
    server.start()
    read(phone, "Is this right?")
    phone.reload()
    read(phone, "Is this right?")
    tap(phone, "Send")
    read(phone, "has reached us")
    assert len(queued(server, "+442079460018")) == 1


@pytest.mark.parametrize("phone", [{"color_scheme": "dark"}], indirect=True)
def test_dark_mode_is_dark(phone: Page) -> None:
    """With a dark phone the page is dark, and words stand out."""
    read(phone, "Choose a topic")
    picture(phone, "dark-home")
    shades = phone.evaluate(
        """() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('#log article')).color]
        .map(color => color.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0))"""
    )
    assert shades[0] < 200 < 500 < shades[1]
    tap(phone, "Symptoms")
    read(phone, "OMS can affect")
    picture(phone, "dark-menu")


def test_emergency_signs_are_one_tap_away(phone: Page) -> None:
    """The header's red button leads to the emergency signs from anywhere."""
    to_the_number(phone)
    phone.locator("header").get_by_role("button", name="Emergency signs").tap()
    read(phone, "Call 112 now")
    picture(phone, "emergency")


def test_every_target_is_large_enough(phone: Page) -> None:
    """Buttons are at least 44 pixels high, the size of a thumb."""
    read(phone, "Choose a topic")
    expect(phone.locator("#actions button").first).to_be_visible()
    for button in phone.locator("button:visible").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 44


def test_the_keyboard_is_enough(phone: Page) -> None:
    """Without a pointer: Tab reaches the buttons, Enter presses, and the answer is in the live log."""
    read(phone, "Choose a topic")
    expect(phone.locator("#log")).to_have_attribute("aria-live", "polite")
    button = phone.locator("#actions").get_by_role("button", name="Symptoms")
    button.focus()
    phone.keyboard.press("Enter")
    read(phone, "OMS can affect")


def test_a_long_page_is_read_from_its_start(phone: Page) -> None:
    """A page longer than the screen begins under the header."""
    read(phone, "Choose a topic")
    phone.get_by_role("textbox").fill("privacy")
    phone.keyboard.press("Enter")
    read(phone, "Your rights")
    expect(newest(phone)).to_be_in_viewport()
    picture(phone, "long-page")
    main = top(phone.locator("main"))
    until(phone, lambda: main - 5 <= top(newest(phone)) <= main + 60)
