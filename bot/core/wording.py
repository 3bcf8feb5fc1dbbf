"""Every word a language must supply besides its pages: button labels and fixed texts.

`bot.content` checks the texts.yaml of each language against these lists; translators read them as the task.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core.material import Question

# The tightest limit of any channel for each kind of words (PLATFORMS.md), in characters.
TITLE, DESCRIPTION, BUTTON, BODY = 24, 72, 20, 900
LINE = 300
COMMAND = 100  # the description of a command
MAX_ROWS = 9  # a WhatsApp list has ten rows and the last one is "Main menu"
MAX_HOME_ROWS = 10
MAX_BUTTON_ID = 64  # bytes of callback data on Telegram

# Labels on buttons; the key is the button's target where it has one.
BUTTONS = (
    "home", "back", "callback", "emergency", "sources", "more-sources", "continue", "privacy",
    "consent:yes", "consent:no", "share-phone", "use-number", "use-offered", "send", "save", "change", "cancel", "to-summary",
    "status", "withdraw", "withdraw:yes", "keep", "erase", "erase:yes", "stop:yes", "feedback:yes", "feedback:no",
    "helpful", "helpful:yes", "helpful:no", "switch",
    "again", "better-time", "by-email", "new-number", "helped:yes", "helped:no",
    "emergency-area",  # where the general emergency number is answered; stands in brackets behind it
)  # fmt: skip

# The web chat's own words; they stand in its page, not in the conversation.
CHAT = (
    "title", "subtitle", "placeholder", "placeholder_phone", "placeholder_email", "placeholder_text",
    "send", "menu", "emergency", "typing", "you", "bot", "offline", "retry",
    "too_fast", "start_again", "conversation", "no_script",
)  # fmt: skip

# What a messenger shows of the bot beside its messages, and how long it may be [PLATFORMS].
ABOUT = {"description": 512, "short_description": 120, "footer": 60, "typed": 60, "open_list": 20, "list_choices": 24, "list_more": 24}
# Questions a messenger offers to a new person, at most so many and so long [PLATFORMS; the published description says 3].
MAX_STARTERS, STARTER = 3, 80

# The commands a messenger offers in its own menu; each must be a word in `commands` too.
MENU = ("menu", "callback", "status", "language", "privacy", "delete", "stop", "help")

# Fixed texts and the blanks each may use besides the operator's values.
TEXTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("disclaimer", "emergency-stop", "no-diagnosis", "media", "stale", "apology", "noted", "read-this", "expired", "help", "too-fast"),
        frozenset(),
    ),
    **dict.fromkeys(("found-several", "found-nearest", "review-pending", "too-fast"), frozenset()),
    "group": frozenset({"link"}),
    "helpful": frozenset({"title"}),
    **dict.fromkeys(("contact-other", "phone-known"), frozenset({"phone_number"})),
    "sources-head": frozenset({"title"}),
    "review-done": frozenset({"review"}),
    **dict.fromkeys(("language-set", "erased", "stop", "stopped", "feedback-thanks"), frozenset()),
    **dict.fromkeys(("refused", "cancelled", "tried-enough", "wrong-phone", "wrong-email", "wrong-name", "wrong-choice"), frozenset()),
    **dict.fromkeys(
        (
            "wrong-language",
            "wrong-time",
            "wrong-timezone",
            "phone-share",
            "phone-type",
            "unchanged",
            "thanks",
            "unusual-phone",
        ),
        frozenset(),
    ),
    **dict.fromkeys(("summary-head", "summary-foot", "change", "sent", "changed", "already-open", "status-none"), frozenset()),
    **dict.fromkeys(("status-new", "status-claimed"), frozenset({"reference", "due", "hours"})),
    "withdrawn": frozenset({"reference"}),
    "news-tried": frozenset({"reference", "at", "next", "by"}),
    **dict.fromkeys(("news-wrong-number", "news-unreached", "news-helped", "news-written"), frozenset({"reference"})),
    "news-emailed": frozenset({"reference", "at"}),
    **dict.fromkeys(("news-written-foot", "called-again", "request-over", "helped-yes", "helped-no"), frozenset()),
    "mail-subject": frozenset({"reference"}),  # of an e-mail that staff begin to write
    "mail-greeting": frozenset({"name"}),
}
CANNED = frozenset({"name", "reference"})  # the blanks of the texts prepared for staff


@dataclass(frozen=True, slots=True)
class Wanted:
    """One string a language must have."""

    section: str  # labels, texts or chat
    key: str
    limit: int
    blanks: frozenset[str] = frozenset()


def wanted(questions: Iterable[Question], call_times: Iterable[str]) -> list[Wanted]:
    """Everything texts.yaml must hold, the words of the intake's questions included."""
    words = [Wanted("labels", key, BUTTON) for key in BUTTONS]
    words += [Wanted("chat", key, LINE) for key in CHAT]
    words += [Wanted("about", key, limit) for key, limit in ABOUT.items()]
    words += [Wanted("menu", key, COMMAND) for key in MENU]
    words += [Wanted("texts", key, BODY, blanks) for key, blanks in TEXTS.items()]
    for question in questions:
        words.append(Wanted("texts", f"ask-{question.id}", BODY))
        words.append(Wanted("labels", f"question-{question.id}", BUTTON))
        if question.instead:
            words.append(Wanted("labels", f"ask:{question.id}", BUTTON))
        spoken = ("any", *call_times) if question.kind == "time" else question.options
        words += [Wanted("labels", f"option-{question.id}-{option}", BUTTON) for option in spoken]
    return words
