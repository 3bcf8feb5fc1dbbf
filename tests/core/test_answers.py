"""What people type as a number, an address, a name or a place, and what is made of it."""

from datetime import UTC, datetime

import pytest

from bot.core.answers import is_unusual, read_email, read_name, read_phone, read_zone, say, zone_of_region
from bot.core.country import region_of
from bot.core.library import Content
from bot.core.model import Session
from bot.core.scene import Scene


@pytest.mark.parametrize(
    "text",
    [
        "+49 171 1234567",
        "0049 171 1234567",
        "00 49 171 1234567",
        "+00 49 171 1234567",
        "＋49 171 1234567",
        "+49 (0)171 1234567",
        "(0171) 1234567",
        "0171/123 45-67",
        "٠١٧١ ١٢٣٤٥٦٧",
        "+۴۹ ۱۷۱ ۱۲۳۴۵۶۷",
        "tel:+49-171-1234567",
        "+49 171 1234567 ext. 12",
        "my number: 0171 1234567.",
    ],
)
def test_one_number_in_many_spellings(text: str) -> None:
    """However a number is written, it is kept in one form, without extension."""
    assert read_phone(text, "DE") == "+491711234567"


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("+34 612 345 678", "+34612345678"),
        ("+7 912 345-67-89", "+79123456789"),
        ("+380 44 123 45 67", "+380441234567"),
        ("+963 944 567 890", "+963944567890"),
        ("+1 (212) 555-2368", "+12125552368"),
        ("+254 712 345678", "+254712345678"),
    ],
)
def test_a_country_code_decides_the_country(text: str, phone: str) -> None:
    """Callers are anywhere; the region we guess counts only without a country code."""
    assert read_phone(text, "DE") == phone


def test_the_region_decides_without_a_country_code() -> None:
    """A national number is read as one of the caller's country, and refused where it is none."""
    assert read_phone("8 912 345 67 89", "RU") == "+79123456789"
    assert read_phone("0664 1234567", "AT") == "+436641234567"
    assert read_phone("0171 1234567", "US") == ""


@pytest.mark.parametrize(
    "text",
    ["", "+", "abc", "123", "112", "1995", "+49", "+49 1", "0999 12", "+999 1234567", "+49171123456789012345", "(0)", "²³", "+" * 200, "٣"],
)
def test_what_is_no_number(text: str) -> None:
    """Too short, too long, no such country, or no digits: asked again, never guessed."""
    assert read_phone(text, "DE") == ""


def test_an_unusual_number_is_accepted_and_named() -> None:
    """A possible number no table knows is kept, since tables are late, and marked for a second look."""
    assert read_phone("+49 1577 8577 507 1", "DE") == "+4915778577507" + "1"
    assert is_unusual("+49157785775071")
    assert not is_unusual("+491711234567")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@b.de", "a@b.de"),
        ("My address is Ana@Example.ORG, thanks", "Ana@example.org"),
        ("Ana <ana@example.org>", "ana@example.org"),
        ("mailto:ana@example.org", "ana@example.org"),
        ("(ana@example.org).", "ana@example.org"),
        ("ana@example.org!", "ana@example.org"),
        ("is it ana@example.org?", "ana@example.org"),
        ("ана@пример.рф", "ана@пример.рф"),
        ("ana@exämple.de", "ana@exämple.de"),
    ],
)
def test_an_address_is_found_in_what_is_typed(text: str, address: str) -> None:
    """The address counts, not what stands around it; its domain is in small letters."""
    assert read_email(text) == address


@pytest.mark.parametrize(
    "text", ["", "@", "ana", "ana@example", "ana@localhost", "ana@@example.org", "ana @ example.org", "ana@example..org", "a\n@b.de"]
)
def test_what_is_no_address(text: str) -> None:
    """What cannot be delivered to is asked again."""
    assert read_email(text) == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  Ana \n López\t", "Ana López"),
        ("Ana\x00\x07B\x1b[31m", "Ana B [31m"),
        ("\u202eAna\u2066", "Ana"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
        ("Анна", "Анна"),
        ("O'Neil", "O'Neil"),
        ("A" * 200, "A" * 60),
        ("!!!", ""),
        ("123", ""),
        ("😀", ""),
        ("\u200b\u202e", ""),
    ],
)
def test_a_name_is_one_clean_line(text: str, name: str) -> None:
    """Letters of any script stay; control and direction characters, which could deceive staff, do not."""
    assert read_name(text) == name


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Madrid", "Europe/Madrid"),
        ("new york", "America/New_York"),
        ("Sao Paulo", "America/Sao_Paulo"),
        ("Spain", "Europe/Madrid"),
        ("United States", "America/New_York"),
        ("russia", "Europe/Moscow"),
        ("Egypt", "Africa/Cairo"),
        ("Atlantis", ""),
        ("", ""),
        ("...", ""),
    ],
)
def test_a_city_or_country_names_a_zone(text: str, zone: str) -> None:
    """Large countries mean the zone most people live in; unknown places mean none."""
    assert read_zone(text, "en") == zone


def test_countries_are_known_by_the_readers_language() -> None:
    """ "Spanien" is a country to a German reader only."""
    assert read_zone("Spanien", "de") == "Europe/Madrid"
    assert read_zone("Spanien", "en") == ""


def test_a_number_of_no_country_puts_nobody_on_antarctica() -> None:
    """International free numbers belong to no country, so they tell no time zone."""
    assert zone_of_region(region_of("+80012345678")) == ""


def test_a_number_is_said_with_its_country_and_its_own_direction(content: Content) -> None:
    """The number stands between direction marks, so that it reads right in Arabic too."""
    scene = Scene(content, Session(language="en"), datetime(2026, 11, 23, 9, tzinfo=UTC))
    question = content.structure.question("phone")
    assert question is not None
    assert say(question, "+491711234567", "Europe/Berlin", scene) == "\u2066+49 171 1234567\u2069 (Germany)"
