"""Every page as assistive technology meets it: axe-core finds no serious fault, in the light and in the dark.

axe-core is not ours to ship: `$AXE_CORE` is the path of its axe.min.js, or it lies in node_modules (`npm install --no-save axe-core`).
With `SCREENSHOTS` set to a folder, pictures of what was looked at are kept there; README's are made so.
"""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from office import Office, Windows, request_page
from playwright.sync_api import Page, expect

PICTURES = os.environ.get("SCREENSHOTS")
AXE = Path(os.environ.get("AXE_CORE") or Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js")
GRAVE = ("serious", "critical")
_STEPS = (  # of a visit in the chat, from its home to a request
    "page:symptoms",
    "page:symptoms/eyes",
    "home",
    "page:free-consultation",
    "page:free-consultation/callback",
    "consent:yes",
    "+44 20 7946 0019",
    "send",
)
_RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
_CALLERS = (  # numbers that Ofcom, the FCC, ACMA, ARCEP and the Bundesnetzagentur keep for drama; how overdue, in hours; who has taken it
    ("+61 491 570 156", "Ruby Example", "treatment", "Australia/Sydney", "en", 5, ""),
    ("+44 20 7946 0018", "Ada Example", "opinion", "Europe/London", "en", 3, "Ben"),
    ("+49 30 23125 014", "Jonas Beispiel", "costs", "Europe/Berlin", "de", 0, ""),
    ("+1 202 555 0143", "Grace Sample", "treatment", "America/New_York", "en", 0, "Ada"),
    ("+33 1 99 00 12 34", "Léa Exemple", "other", "Europe/Paris", "en", 0, ""),
    ("amal@example.org", "أمل مثال", "treatment", "Asia/Amman", "ar", 0, ""),
)


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        if os.environ.get("AXE_CORE"):
            pytest.fail(f"AXE_CORE names no file: {AXE}")
        pytest.skip("ACCESSIBILITY IS NOT TESTED: `npm install --no-save axe-core`, or set AXE_CORE to the path of axe.min.js")
    return AXE.read_text()


@pytest.fixture(scope="module")
def busy(office: Office) -> dict[str, str]:
    """A desk with some work on it: the reference of each caller."""
    references = {}
    for contact, name, topic, zone, language, hours, who in _CALLERS:
        references[name] = reference = office.asks(contact, name, topic, language=language, zone=zone)
        if hours:
            office.next_step(reference, timedelta(hours=hours))
        if who:
            office.act("claim", reference, who)
    return references


def faults(page: Page, axe: str) -> list[str]:
    """What axe finds wrong with the page as it is now, with the place of each fault."""
    page.evaluate(axe)  # in the debugger's way, which a page's own policy does not forbid
    found: list[dict[str, Any]] = page.evaluate(_RUN)
    return [
        f"{page.url} {rule['impact']} {rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def inspect(page: Page, axe: str, name: str, *, height: int | None = None) -> list[str]:
    """The faults of the page, which is kept as a picture if pictures are wanted."""
    if PICTURES:
        page.mouse.move(640, 880)  # where it lies on nothing
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=height is None)
    return faults(page, axe)


def test_a_fault_is_found(window: Windows, axe: str) -> None:
    """A picture without words and grey on grey are reported: the other tests would see them."""
    page = window()
    page.evaluate(
        """const main = document.querySelector('main');
        main.innerHTML = '<img src="/staff/static/icon.svg"><p>Pale</p>';
        main.querySelector('p').style.color = '#bbb';"""
    )
    found = faults(page, axe)
    assert [name for name in ("image-alt", "color-contrast") if not any(f" {name}: " in fault for fault in found)] == []


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_the_desk_can_be_used_by_everybody(window: Windows, office: Office, busy: dict[str, str], axe: str, shade: str) -> None:
    """Every page of the console, as it opens and with all its forms unfolded."""
    page = window(color_scheme=shade)
    found = inspect(page, axe, f"sign-in-{shade}")
    page.locator("#name").fill("Ada")
    page.locator("#password").fill("not the password")
    page.locator("button.primary").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += inspect(page, axe, f"refused-{shade}")
    window.sign_in(page, "Ada")
    expect(page).to_have_title(re.compile(r"^\(\d+\)"))
    found += inspect(page, axe, f"queue-{shade}")
    page.get_by_role("button", name="Keyboard").click()
    found += inspect(page, axe, f"keys-{shade}")
    for name in ("statistics", "admin", "audit", "account", "nowhere", "?view=closed"):
        page.goto(f"{office.server.url}/staff/{name}")
        found += inspect(page, axe, f"{name.removeprefix('?view=')}-{shade}")
    page.goto(f"{office.server.url}/staff/account")
    page.get_by_role("button", name="Set up").click()
    found += inspect(page, axe, f"codes-{shade}")
    for name, reference in busy.items():
        request_page(page, office, reference)
        found += inspect(page, axe, f"request-{name.split()[0]}-{shade}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        found += inspect(page, axe, f"request-{name.split()[0]}-open-{shade}")
    assert found == []


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_the_desk_on_a_phone_can_be_used_by_everybody(window: Windows, office: Office, busy: dict[str, str], axe: str, shade: str) -> None:
    """The queue as cards, and a request in one column."""
    page = window("Ada", width=390, height=844, has_touch=True, is_mobile=True, device_scale_factor=2, color_scheme=shade)
    found = inspect(page, axe, f"phone-queue-{shade}", height=844)
    request_page(page, office, busy["Grace Sample"])
    found += inspect(page, axe, f"phone-request-{shade}", height=844)
    assert found == []


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "ar"])
def test_the_chat_can_be_used_by_everybody(window: Windows, office: Office, axe: str, shade: str, locale: str) -> None:
    """Home, a page, and the whole way to a request, from left to right and from right to left."""
    page = window(width=390, height=844, color_scheme=shade, locale=locale)
    page.goto(office.server.url)
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    found: list[str] = []
    for step in _STEPS:
        expect(page.locator("#actions button").first).to_be_visible()
        found += inspect(page, axe, f"chat-{locale}-{step.replace('/', '-').replace(':', '-')}-{shade}", height=844)
        before = page.locator("#log article.bot").count()
        if step.startswith("+"):
            page.get_by_role("textbox").fill(step)
            page.keyboard.press("Enter")
        else:
            page.locator(f"#actions [data-press^='{step}']").first.click()
        expect(page.locator("#log article.bot")).to_have_count(before + 1)
    assert found + inspect(page, axe, f"chat-{locale}-sent-{shade}", height=844) == []
