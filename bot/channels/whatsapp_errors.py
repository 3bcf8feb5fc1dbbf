"""What the Cloud API's error codes mean: for a message, and in words for the operator. Codes as in PLATFORMS and Meta's list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.channels.shape import part

PAIR_SECONDS = 6.0  # one message to a person every six seconds, after a burst [PLATFORMS]

# passing: try again, it was not the message's fault; down: so, and the operator must do something; final: give up.
Kind = Literal["passing", "down", "window", "final"]


@dataclass(frozen=True, slots=True)
class Meaning:
    kind: Kind
    reason: str
    wait: float = 0.0  # seconds before the next try, 0: the usual back-off


_TOKEN = Meaning("down", "the token is wrong, has run out or was revoked: set OMSBOT_WHATSAPP_TOKEN to a new one")
_RIGHTS = Meaning("down", "the token may not do this: give its system user the WhatsApp account with whatsapp_business_messaging")
_BUSY = Meaning("passing", "the platform is busy or away")
_FAST = Meaning("passing", "too fast")
_NUMBER = Meaning("down", "the business number is not registered or not ours: check OMSBOT_WHATSAPP_PHONE_NUMBER_ID")
_CODES: Mapping[int, Meaning] = {
    **dict.fromkeys((0, 190), _TOKEN),
    **dict.fromkeys((3, 10, 200, 131005), _RIGHTS),
    **dict.fromkeys((1, 2, 131000, 131016, 131057, 133004), _BUSY),
    **dict.fromkeys((4, 80007, 130429, 131048), _FAST),
    **dict.fromkeys((131045, 133010), _NUMBER),
    131056: Meaning("passing", "too fast for this person", PAIR_SECONDS),
    131047: Meaning("window", "more than 24 hours since the person last wrote"),
    131026: Meaning("final", "WhatsApp cannot deliver to this person"),
    131031: Meaning("down", "the WhatsApp account is locked: see WhatsApp Manager"),
    131042: Meaning("down", "the WhatsApp account has a problem with its payment method: see WhatsApp Manager"),
    368: Meaning("down", "the WhatsApp account is blocked for a breach of policy: see WhatsApp Manager"),
    131050: Meaning("final", "the person wants no such messages"),
    132000: Meaning("final", "the template takes another number of variables: it must have exactly one"),
    132001: Meaning("final", "there is no such template in this language: check OMSBOT_WHATSAPP_TEMPLATE"),
}
_UNKNOWN_OBJECT = 33  # the subcode of "does not exist or cannot be read"


def meaning(status: int, answer: object) -> Meaning:
    """Of an answer that is not 2xx; `answer` is its JSON, or whatever it was."""
    error = part(answer, "error")
    code = part(error, "code", int)
    if code == 100 and part(error, "error_subcode", int) == _UNKNOWN_OBJECT:
        return _NUMBER
    if "code" in error and (code in _CODES or 400 <= status < 500):
        return of_code(code)
    return {401: _TOKEN, 429: _FAST}.get(status, _BUSY)  # no Graph error at all: something between us and it


def of_code(code: int) -> Meaning:
    """Of an error code on its own, as in a receipt."""
    if 200 <= code <= 299:
        return _RIGHTS
    return _CODES.get(code, Meaning("final", f"refused, error {code}"))
