"""What follows from a turn besides words: what the shell does about people, requests and counters."""

from dataclasses import dataclass
from datetime import datetime


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
    next_at: datetime | None = None  # when staff must act next because of it; None: that stays


@dataclass(frozen=True, slots=True)
class CallAgain:
    """The person has missed us and would like another call soon."""

    reference: str


@dataclass(frozen=True, slots=True)
class Helped:
    """Whether a finished request has helped. The button may be of any age: whose the request is, and how it ended, is not known here."""

    reference: str
    yes: bool


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


Effect = GiveConsent | EndConsent | SendRequest | ChangeRequest | CallAgain | Helped | WithdrawRequest | EraseContact | Count
