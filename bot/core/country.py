"""Which country a person is in, from what the platform tells about them."""

from functools import lru_cache

import phonenumbers
from babel.core import get_global
from phonenumbers import NumberParseException, PhoneNumber

from bot.core.model import Profile


def country_of(profile: Profile) -> str:
    """By the number they write from, else their clock, else the country of their language ("ru-KZ"); "" if nothing tells."""
    return (_of_number(profile.phone) if profile.phone else "") or _of_zone(profile.timezone) or _of_language(profile.language)


@lru_cache(1024)  # each message asks several times; only the numbers of the moment stay in memory
def region_of(phone: str) -> str:
    """ "DE" for "+49…", "" for none or a number of no country."""
    number: PhoneNumber = phonenumbers.parse(phone, None)
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(number.country_code or 0)


def _of_number(phone: str) -> str:
    try:
        region = region_of(phone)
    except NumberParseException:
        return ""
    return region if region.isalpha() and region != "ZZ" else ""  # "001" is a number of no country


def _of_zone(zone: str) -> str:
    return str(get_global("zone_territories").get(zone, "")).replace("001", "")


def _of_language(tag: str) -> str:
    """The region in a BCP 47 tag: "KZ" of "ru-KZ", "ru_kz" and "kk-Cyrl-KZ"."""
    parts = tag.replace("_", "-").split("-")[1:]
    return next((part.upper() for part in parts if len(part) == 2 and part.isalpha() and part.isascii()), "")
