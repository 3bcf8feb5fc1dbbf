"""Answers of the intake: reading what people type, filling in what is known, saying it back in words."""

import re
import unicodedata
from collections.abc import Iterable

import phonenumbers
from babel import Locale
from babel.core import get_global
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumberFormat

from bot.core.country import region_of
from bot.core.material import Question
from bot.core.scene import Scene
from bot.core.schedule import city, is_zone, spoken_city, spoken_window
from bot.core.words import normal

MAX_NAME = 60
ANY_TIME = "any"
# Countries with several time zones: where most people live. The caller can change it.
_MAIN_ZONE = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto",
    "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai", "CY": "Asia/Nicosia", "DE": "Europe/Berlin",
    "EC": "America/Guayaquil", "ES": "Europe/Madrid", "ID": "Asia/Jakarta", "KZ": "Asia/Almaty", "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PS": "Asia/Gaza", "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow", "UA": "Europe/Kiev", "US": "America/New_York", "UZ": "Asia/Tashkent",
}  # fmt: skip


def read_answer(question: Question, text: str, scene: Scene) -> str:
    """The answer `text` gives to `question` in stored form, or "" when it gives none."""
    match question.kind:
        case "phone":
            return read_phone(text, _guessed_region(scene))
        case "email":
            return read_email(text)
        case "name":
            return read_name(text)
        case "timezone":
            return read_zone(text, scene.language.code)
        case "language" | "time" | "choice":
            said = normal(text)
            spoken = {option: normal(say_option(question, option, scene)) for option in options(question, scene)}
            return next((option for option, label in spoken.items() if said and said == label), "")


def read_phone(text: str, region: str) -> str:
    """A number in E.164 ("+491577…"), "" if there is none in `text`.

    With a country code any possible number counts, since new ranges appear faster than tables of them. Without
    one it must be a valid number of `region`: a wrong guess would have us call a stranger.
    """
    digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)
    start = re.search(r"[+＋\d(]", digits)
    candidate = re.sub(r"^\+?\s*00", "+", digits[start.start() :].replace("＋", "+").replace("(0)", "")) if start else ""
    try:
        number = phonenumbers.parse(candidate, region)
    except NumberParseException:
        return ""
    fits = phonenumbers.is_possible_number if candidate.startswith("+") else phonenumbers.is_valid_number
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if fits(number) else ""


def vouched(phone: str) -> str:
    """A number the platform vouches for, in E.164: it is in use, whatever tables of ranges say. "" for none."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(phone, None), PhoneNumberFormat.E164) if phone else ""
    except NumberParseException:
        return ""


def is_unusual(phone: str) -> bool:
    """Whether no number range we know holds `phone`: worth a second look, no reason to refuse."""
    return not phonenumbers.is_valid_number(phonenumbers.parse(phone, None))


def read_email(text: str) -> str:
    """The address in `text`, normalised, or ""."""
    for word in re.split(r"[\s<>,;:()\"]+", text):
        if "@" in word:
            try:
                return validate_email(word.strip(".'!?"), check_deliverability=False).normalized
            except EmailNotValidError:
                continue
    return ""


def read_name(text: str) -> str:
    """A name on one line, without control characters, or "" for a question and for what has no letter."""
    kept = "".join(c if unicodedata.category(c)[0] != "C" or c == "\u200c" else " " for c in text)
    name = " ".join(kept.split())[:MAX_NAME].strip()
    return name if any(c.isalpha() for c in name) and not any(mark in name for mark in "?؟") else ""


def read_zone(text: str, language: str) -> str:
    """The IANA zone whose city or country is named, "" if none or several."""
    wanted = normal(text)
    zones = get_global("zone_territories")
    cities = [zone for zone in zones if wanted and normal(city(zone)) == wanted]
    if cities or not wanted:
        return cities[0] if cities else ""
    territories = Locale.parse(language).territories
    # "GB-alt-short" is the short name of GB: "UK".
    return next((zone_of_region(code.partition("-")[0]) for code, name in territories.items() if normal(name) == wanted), "")


def value(question: Question, answers: dict[str, str], scene: Scene) -> str:
    """The answer given, or what is known without asking, or ""."""
    if question.id in answers:
        return answers[question.id]
    match question.default:
        case "profile":
            return read_name(scene.session.profile.name)
        case "conversation":
            spoken = scene.language.code
            return spoken if spoken in scene.structure.call_languages else scene.structure.default_language
        case "country":
            return _likely_zone(answers, scene)
        case default:
            return default


def say(question: Question, answer: str, zone: str, scene: Scene) -> str:
    """`answer` in words, for the person in `zone`."""
    match question.kind:
        case "phone":
            number = phonenumbers.parse(answer, None)
            region = region_of(answer)
            country = Locale.parse(scene.language.code).territories.get(region, "") if len(region) == 2 else ""
            spoken = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
            return f"\u2066{spoken}\u2069 ({country})" if country else f"\u2066{spoken}\u2069"
        case "time":
            return " · ".join(part for part in (say_option(question, answer, scene), window_in_words(answer, zone, scene)) if part)
        case "timezone":
            return spoken_city(answer, scene.language.code)
        case "email":
            return f"\u2066{answer}\u2069"
        case "name":
            return answer
        case "language" | "choice":
            return say_option(question, answer, scene)


def say_option(question: Question, option: str, scene: Scene) -> str:
    match question.kind:
        case "language":
            return str(Locale.parse(option).get_display_name(scene.language.code) or option).capitalize()
        case "timezone":
            return spoken_city(option, scene.language.code)
        case _:
            return scene.language.labels.get(f"option-{question.id}-{option}", option)


def window_in_words(option: str, zone: str, scene: Scene) -> str:
    """ "09:00–12:00 Madrid", with the office's time beside it when the clocks differ; "" for any time."""
    window = scene.structure.call_times.get(option)
    if window is None:
        return ""
    office = scene.structure.hours.zone
    there, here = (spoken_window(window, scene.now.date(), zone, reader) for reader in (zone, office))
    place, ours = (spoken_city(name, scene.language.code) for name in (zone, office))
    return f"{there} {place}" if there == here else f"{there} {place} ({here} {ours})"


def options(question: Question, scene: Scene) -> tuple[str, ...]:
    """The answers that can be chosen by a button."""
    match question.kind:
        case "language":
            return scene.structure.call_languages
        case "time":
            zone = _likely_zone(scene.session.draft.answers if scene.session.draft else {}, scene)
            hours, windows = scene.structure.hours, scene.structure.call_times
            return (ANY_TIME, *(name for name, window in windows.items() if hours.meets(window, zone, scene.now)))
        case "timezone":
            here = _likely_zone(scene.session.draft.answers if scene.session.draft else {}, scene)
            return tuple(dict.fromkeys((here, scene.session.profile.timezone or here, scene.structure.hours.zone)))
        case _:
            return question.options


def zone_of_region(region: str) -> str:
    if len(region) != 2 or region == "ZZ":  # numbers of no country: satellites, free international ones
        return ""
    zones: Iterable[str] = get_global("territory_zones").get(region, ())
    return _MAIN_ZONE.get(region) or next(iter(zones), "")


def _likely_zone(answers: dict[str, str], scene: Scene) -> str:
    session, structure = scene.session, scene.structure
    phones = [answers[q.id] for q in structure.questions if q.kind == "phone" and q.id in answers]
    if session.profile.timezone and is_zone(session.profile.timezone):
        here = session.profile.timezone
        if not phones or get_global("zone_territories").get(here) == region_of(phones[0]):
            return here
    return (zone_of_region(region_of(phones[0])) if phones else "") or structure.hours.zone


def _guessed_region(scene: Scene) -> str:
    here = get_global("zone_territories").get(scene.session.profile.timezone, "")
    return here or scene.structure.default_region
