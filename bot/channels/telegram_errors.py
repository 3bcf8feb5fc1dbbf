"""What Telegram's errors mean: for a letter, and in words for the operator."""

import os

from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError

from bot.channels.base import NotSent

os.environ.setdefault("PTB_TIMEDELTA", "1")  # `RetryAfter.retry_after` without its warning that the type will change
_NO_CHAT = ("chat not found", "user is deactivated", "bot was kicked")


def not_sent(error: TelegramError, parts: int = 0) -> NotSent:
    """What a refusal means for the letter: wait, give up, or stop writing to this person. `parts` of it were delivered."""
    match error:
        case RetryAfter():
            return NotSent("too fast", passing=True, retry_after=seconds(error), parts=parts)
        case Forbidden():
            return NotSent("blocked by the person", gone=True)
        case BadRequest():
            return NotSent(reason(error), permanent=True, gone=any(part in str(error).lower() for part in _NO_CHAT))
        case _:  # the network, a server error, a revoked token
            return NotSent(reason(error), passing=True, parts=parts)


def seconds(error: RetryAfter) -> float:
    """How long Telegram asks us to wait."""
    wait = error.retry_after
    return float(wait) if isinstance(wait, int) else wait.total_seconds()


def reason(error: TelegramError) -> str:
    """What to tell the operator. Telegram's own texts name methods and limits, not people."""
    match error:
        case InvalidToken():
            return "the token is wrong or was revoked: set OMSBOT_TELEGRAM_TOKEN to the one BotFather shows"
        case Conflict():
            webhook = "webhook" in str(error).lower()
            advice = "a webhook is set: run `oms-bot telegram setup` to remove it" if webhook else "stop the other one"
            return f"another program receives this bot's updates ({advice})"
        case RetryAfter():
            return f"asks us to wait {seconds(error):.0f} seconds: try again then"
        case BadRequest():
            return f"refused: {error.message[:100]}"
        case NetworkError():
            return f"the network: {type(error).__name__}"
        case _:
            return type(error).__name__
