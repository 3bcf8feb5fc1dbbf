"""E-mail: messages to the staff's shared address, through the operator's mail server. Nothing comes in."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, localtime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

import structlog
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPRecipientsRefused, SMTPResponseException, SMTPTimeoutError
from starlette.routing import BaseRoute

from bot.channels.base import Delivery, NotSent
from bot.core.markup import Block, Line, Paragraph, plain

NAME = "email"
SECONDS = 30.0  # the mail server may take for a step
CHECK_SECONDS = 600.0  # between looks whether the mail server lets us in
LOCAL = ("127.0.0.1", "::1", "localhost")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # what a server says more precisely [RFC 3463]; the rest of its words may name people

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Options:
    """The mail server, `smtps://` or `smtp://user:password@host:port`, and who writes."""

    url: str
    sender: str  # our address
    trust: ssl.SSLContext | None = None  # None: the certificates this machine trusts
    timeout: float = SECONDS


class Email:
    """The channel. One connection at a time, for one message: alerts are few."""

    name = NAME
    pull = False
    window: timedelta | None = None

    def __init__(self, options: Options) -> None:
        self._options = options
        self._line = asyncio.Lock()
        self._trouble = ""

    def routes(self) -> Sequence[BaseRoute]:
        """Nothing comes in."""
        return ()

    def reserve(self, address: str) -> float:
        """One connection at a time is slow enough."""
        return 0.0

    def arrived(self, chat: str) -> None:
        """Nobody fetches here."""

    def close_streams(self) -> None:
        """There are none."""

    async def close(self) -> None:
        """Connections end with their message."""

    def trouble(self) -> str:
        """What keeps the channel from working, in words for the operator; "" when all is well."""
        return self._trouble

    async def run(self) -> None:
        """Signs in now and then, so that a wrong password is seen before the first alert is lost by it."""
        while True:
            try:
                async with self._connected():
                    self._trouble = ""
            except NotSent as failure:
                log.warning("mail_server_refuses", reason=str(failure))
            await asyncio.sleep(CHECK_SECONDS)

    async def send(self, delivery: Delivery) -> str:
        message = written(delivery, self._options.sender)
        async with self._connected() as server:
            try:
                await server.send_message(message)
            except (SMTPException, OSError, TimeoutError) as error:
                raise self._failed(error, at_fault="the message") from None
        return ""

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[SMTP]:
        """A connection signed in to the mail server. Raises NotSent."""
        async with self._line:
            server = connection(self._options)
            try:
                await server.connect()
            except (SMTPException, OSError, TimeoutError) as error:
                server.close()
                raise self._failed(error, at_fault="the server") from None
            self._trouble = ""
            try:
                yield server
                await _goodbye(server)
            finally:
                server.close()

    def _failed(self, error: Exception, *, at_fault: str) -> NotSent:
        """What a failure means: a message the server does not want is given up, everything else may pass."""
        refusals = error.recipients if isinstance(error, SMTPRecipientsRefused) else [error]
        codes = [(each.code, str(each.message)) for each in refusals if isinstance(each, SMTPResponseException)]
        if at_fault == "the message" and codes and all(500 <= code < 600 for code, _ in codes):
            return NotSent(f"the mail server refuses the message: {_spoken(codes)}", permanent=True)
        if codes:
            mine = "us" if isinstance(error, SMTPAuthenticationError) else "for now"
            self._trouble = f"the mail server refuses {mine}: {_spoken(codes)}"
        elif isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
            self._trouble = "the mail server's certificate is not trusted"
        elif isinstance(error, TimeoutError | SMTPTimeoutError):
            self._trouble = "the mail server does not answer"
        else:
            kind = type(error).__name__
            self._trouble = "the mail server offers no TLS" if kind == "SMTPException" else f"the mail server cannot be used: {kind}"
        return NotSent(self._trouble, passing=True)


def connection(options: Options) -> SMTP:
    """Not yet connected. Nothing is said in clear but to this machine."""
    parts = urlsplit(options.url)
    implicit, local = parts.scheme == "smtps", parts.hostname in LOCAL
    return SMTP(
        hostname=parts.hostname,
        port=parts.port or (465 if implicit else 587),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=implicit,
        start_tls=not implicit and not local,
        tls_context=options.trust,
        timeout=options.timeout,
        local_hostname=options.sender.rpartition("@")[2],
    )


async def _goodbye(server: SMTP) -> None:
    """The message is taken by now: whatever becomes of the farewell, it must not be sent again."""
    try:
        await server.quit()
    except (SMTPException, OSError, TimeoutError):
        log.debug("mail_server_left_first")


def written(delivery: Delivery, sender: str) -> EmailMessage:
    """The message as it goes out. Its id is that of the letter, so who gets it twice sees one."""
    reply = delivery.reply
    message = EmailMessage(policy=WIRE)
    message["From"] = sender
    message["To"] = delivery.address
    message["Subject"] = " ".join(reply.title.split())
    message["Date"] = format_datetime(localtime())
    links = [f"{button.label}: {button.id}" for button in reply.buttons if button.kind == "link"]
    text = "\n\n".join([plain(tuple(map(_with_addresses, reply.body))), *links]) + "\n"
    digest = sha256(f"{delivery.number} {reply.title} {text}".encode()).hexdigest()[:20]
    message["Message-ID"] = f"<{delivery.number}.{digest}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="7bit" if text.isascii() else "quoted-printable")
    return message


def _with_addresses(block: Block) -> Block:
    """The block with the addresses of its links spelt out, since plain text has no links."""

    def spelt(line: Line) -> Line:
        return tuple(replace(run, text=f"{run.text} ({run.href})") if run.href else run for run in line)

    return Paragraph(spelt(block.runs)) if isinstance(block, Paragraph) else replace(block, items=tuple(map(spelt, block.items)))


def _spoken(codes: Sequence[tuple[int, str]]) -> str:
    code, words = codes[0]
    precise = _ENHANCED.match(words)
    return f"{code} {precise[0]}" if precise else str(code)
