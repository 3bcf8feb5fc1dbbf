"""A mail server for tests: real SMTP on a loopback port, with a mailbox behind it that can refuse."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "bot@example.org", "correct horse/battery"


def transport(server: SMTP) -> asyncio.Transport:
    assert isinstance(server.transport, asyncio.Transport)
    return server.transport


class Mailbox:
    """The server's side: what it was given, and what it answers instead."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.answers: list[str] = []  # to the next messages, in place of "taken"
        self.recipient = ""  # the answer to every recipient
        self.signed_in: list[str] = []
        self.secret = True  # whether the last message came over TLS
        self.envelopes: list[tuple[str | None, list[str]]] = []  # from whom to whom they went
        self.breaks = 0  # connections that end after the message was taken, before that is said

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if self.recipient:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        self.secret = transport(server).get_extra_info("ssl_object") is not None
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        if self.breaks:
            self.breaks -= 1
            transport(server).abort()
        return "250 taken"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.signed_in.append(data.login.decode())
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@asynccontextmanager
async def serving(mailbox: Mailbox, *, implicit: ssl.SSLContext | None = None, **how: Any) -> AsyncIterator[int]:
    """The port of the server."""
    connections: list[SMTP] = []

    def connected() -> SMTP:
        connections.append(SMTP(mailbox, hostname="mail", **how))
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(connected, "127.0.0.1", 0, ssl=implicit)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for each in connections:
            if each.transport is not None:
                transport(each).abort()
            if each._handler_coroutine is not None:
                await asyncio.wait([each._handler_coroutine])
