"""What WhatsApp has to be told once, and what has to be right there: number, display name, webhook, ice breakers, commands."""

from dataclasses import dataclass

from bot.channels.shape import part
from bot.channels.whatsapp_api import Graph
from bot.core.library import Content

_FIELDS = "display_phone_number,verified_name,name_status,quality_rating,code_verification_status,status,webhook_configuration"
_GOOD_NAMES = ("APPROVED", "AVAILABLE_WITHOUT_REVIEW")
_LEVELS = ("phone_number", "whatsapp_business_account", "application")  # whose address counts, first to last


@dataclass(frozen=True, slots=True)
class Number:
    """Our number, as WhatsApp has it."""

    digits: str
    webhook: str  # where its webhooks go now
    lines: list[str]  # for the operator


async def our_number(graph: Graph, phone_number_id: str) -> Number:
    """Raises Refused, when the token is not good or the number is not ours, for example."""
    told = await graph.get(phone_number_id, fields=_FIELDS)
    display, name = part(told, "display_phone_number", str), part(told, "verified_name", str)
    lines = [f"The token is good: this is {display}, shown as {name!r}."]
    checks = {
        "name_status": (_GOOD_NAMES, "the display name is not approved: see WhatsApp Manager, Phone numbers"),
        "code_verification_status": (("VERIFIED",), "the number is not verified: see WhatsApp Manager, Phone numbers"),
        "status": (("CONNECTED",), "the number is not connected: register it in WhatsApp Manager"),
        "quality_rating": (("GREEN", "UNKNOWN", "NA"), "people have complained: see WhatsApp Manager, Insights"),
    }
    for field, (good, advice) in checks.items():
        said = part(told, field, str)
        if said and said not in good:
            lines.append(f"Mind: {field} is {said}, {advice}.")
    targets = part(told, "webhook_configuration")
    webhook = next((target for level in _LEVELS if (target := part(targets, level, str))), "")
    return Number("".join(c for c in display if c.isdigit()), webhook, lines)


async def receive(graph: Graph, phone_number_id: str, number: Number, url: str, verify_token: str) -> str:
    """Makes the number's webhooks come to `url`; Meta asks there at once whether that is right."""
    if number.webhook == url:
        return f"Meta sends webhooks to {url}."
    await graph.post(phone_number_id, {"webhook_configuration": {"override_callback_uri": url, "verify_token": verify_token}})
    return f"Meta sends webhooks to {url} from now on (before: {number.webhook or 'nowhere'})."


async def subscribe(graph: Graph, account: str) -> str:
    """Subscribes the app to the WhatsApp account: without it no webhook is sent at all. Other apps may be subscribed besides."""
    await graph.post(f"{account}/subscribed_apps", {})
    return "The app is subscribed to the WhatsApp account."


async def announce(graph: Graph, phone_number_id: str, content: Content) -> str:
    """Sets ice breakers and commands, which WhatsApp has in one language only."""
    language = content.language(content.structure.default_language)
    commands = [{"command_name": name, "command_description": words} for name, words in language.menu.items()]
    automation = {"enable_welcome_message": False, "prompts": list(language.starters), "commands": commands}
    await graph.post(f"{phone_number_id}/conversational_automation", automation)
    return f"{len(language.starters)} ice breakers and {len(commands)} commands are set in {language.name}."
