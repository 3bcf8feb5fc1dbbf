"""The words of the dialogue: what comes in, what is remembered, what goes out.

Flat frozen dataclasses, no behaviour beyond small questions about themselves. What the bot *says* is in
`library.py`; the rules are in `engine.py` and `intake.py`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import TypeAdapter

from bot.core.markup import Document

HOME = "home"


# --- what comes in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started:
    """The person opened the conversation: /start, a deep link, the first visit of the web chat."""

    payload: str = ""  # where the link leads: a page path, "callback", or a campaign name (ignored)


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Press:
    """A button was pressed. Ids are stable names, never labels, so old messages keep working."""

    button: str


@dataclass(frozen=True, slots=True)
class SharedContact:
    phone: str
    own: bool  # the platform vouches that the number is the sender's own


@dataclass(frozen=True, slots=True)
class Media:
    """A photo, file, voice message, sticker …: nothing of it is kept. Its caption is read for danger, and only that."""

    caption: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """The person blocked the bot or deleted the chat."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The person has unblocked the bot."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """Somebody spoke to the bot in a group, where it says nothing about anybody's health."""

    link: str  # where it can be talked to in private


@dataclass(frozen=True, slots=True)
class Moved:
    """The platform says that the person goes by another number or id from now on. An empty one stays as it was."""

    address: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Hurried:
    """Something from a person who sends more than can be answered: its words are read for danger, and only that."""

    text: str = ""


Event = Started | Text | Press | SharedContact | Media | Left | Returned | Addressed | Moved | Hurried


@dataclass(frozen=True, slots=True)
class Profile:
    """What the platform tells about the sender with each message, without being asked."""

    name: str = ""
    phone: str = ""  # international form with "+", when the platform vouches for it
    language: str = ""  # BCP 47, a hint
    timezone: str = ""  # IANA name
    # How the channel asks for the number: not at all, by a keyboard that must be taken away again, by a message of its own.
    shares_contact: Literal["", "keyboard", "message"] = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event in its envelope, as a channel hands it to the turnstile."""

    channel: str
    address: str  # where replies go; personal data
    update_id: str  # the platform's own id, unique within the channel: a known one is dropped; tells nothing about the person
    at: datetime  # when it was said, by the platform's clock where it tells
    event: Event
    sender: Profile = Profile()
    origin: str = ""  # the message whose button was pressed, for channels that edit it in place
    user_id: str = ""  # the platform's lasting id of the person, where there is one besides the address


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a platform says became of a message it had taken."""

    channel: str
    message: str  # what the platform calls it, hashed as when it was sent
    status: Literal["sent", "delivered", "read", "failed"]
    reason: str = ""  # of a failure; no personal data
    passing: bool = False  # the failure is the platform's own: worth another try
    late: bool = False  # it came too late for free words


# --- what is remembered ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A half-finished intake. It survives restarts and expires (structure.yaml, intake.expires_hours)."""

    started_at: datetime
    answers: dict[str, str] = field(default_factory=dict)
    tries: int = 0  # failed tries at the current question
    offered: str = ""  # a number that was shared and is not the person's own: used only after a yes


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """The person's request as the queue has it now; read from the database before every turn."""

    reference: str
    state: Literal["new", "claimed"]
    created_at: datetime
    due_at: datetime
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Session:
    number: int = 0  # the contact's row id; references are derived from it
    language: str = ""  # empty until the first turn has chosen one
    speaks: str = ""  # another language they were answered in, until they switch or write in their own again
    screen: str = HOME
    path: tuple[str, ...] = ()  # the screens *Back* returns to, oldest first
    draft: Draft | None = None
    consent: str = ""  # the version of the consent text agreed to; empty: none
    sent: int = 0  # requests sent so far
    left: bool = False  # blocked us or asked us to stop: nothing is sent unasked
    hurried: bool = False  # was told to wait a little
    profile: Profile = Profile()
    request: OpenRequest | None = None


# --- what goes out -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Button:
    id: str
    label: str
    description: str = ""
    kind: Literal["press", "share_phone"] = "press"
    answer: Literal["", "yes", "no"] = ""  # the typed word that means this button
    primary: bool = False  # the step most people want next
    aside: bool = False  # need not be shown where only few fit: it can be typed, or is one step further


@dataclass(frozen=True, slots=True)
class Card:
    """How the operator can be reached."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Reply:
    body: Document
    choices: tuple[Button, ...] = ()
    navigation: tuple[Button, ...] = ()
    in_place: bool = False  # may replace the message whose button was pressed
    echo: str = ""  # the label of the button this answers, to rebuild a conversation
    expects: Literal["", "phone", "email", "text"] = ""  # which keyboard suits the answer
    style: Literal["", "warning", "erased"] = ""  # "erased": what was said before is gone
    language: str = ""  # of the words in it
    title: str = ""  # of the page it shows
    card: Card | None = None  # to keep in the address book
    closes_keyboard: bool = False  # the "share my number" keyboard has done its work

    @property
    def buttons(self) -> tuple[Button, ...]:
        """Every button, in the order in which "1", "2", … count them."""
        return self.choices + self.navigation


@dataclass(frozen=True, slots=True)
class GiveConsent:
    version: str
    language: str
    text: str  # the words as they were shown, kept as the receipt


@dataclass(frozen=True, slots=True)
class SendRequest:
    reference: str
    answers: dict[str, str]
    language: str  # of the conversation
    topic: str  # "" when none was chosen
    due_at: datetime  # when staff promise to have called


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    reference: str
    answers: dict[str, str]
    topic: str


@dataclass(frozen=True, slots=True)
class EndConsent:
    """The person no longer agrees to be called back."""


@dataclass(frozen=True, slots=True)
class WithdrawRequest:
    """Takes the request back; what it said is erased."""

    reference: str


@dataclass(frozen=True, slots=True)
class EraseContact:
    """Everything stored about the person goes, requests included."""


@dataclass(frozen=True, slots=True)
class Count:
    """One more of something today; no person attached."""

    name: str
    detail: str = ""


Effect = GiveConsent | EndConsent | SendRequest | ChangeRequest | WithdrawRequest | EraseContact | Count


@dataclass(frozen=True, slots=True)
class Turn:
    session: Session
    replies: tuple[Reply, ...] = ()
    effects: tuple[Effect, ...] = ()


SESSION_JSON: TypeAdapter[Session] = TypeAdapter(Session)
REPLY_JSON: TypeAdapter[Reply] = TypeAdapter(Reply)
EVENT_JSON: TypeAdapter[Event] = TypeAdapter(Event)
