"""E-mail against a real SMTP server on the loopback: TLS, refusals of both kinds, connections that break."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from certificates import self_signed
from mail_server import USER, Mailbox, serving
from people import NOW, until
from pydantic import SecretStr
from serving import queued, settings

from bot.app import App
from bot.channels.base import Delivery, NotSent
from bot.channels.email import Email, Options, connection, written
from bot.channels.terminal import Terminal
from bot.config import Settings, WrongSettings, load_settings
from bot.core.library import Content
from bot.core.markup import Listing, Paragraph, Run, words
from bot.core.model import Button, Reply
from bot.outbox import Outbox
from bot.store import outbox as letters
from bot.store.database import Database
from bot.store.outbox import Letter

STAFF, BOT = "callbacks@example.org", "bot@example.org"
CARD = Reply(
    (Paragraph((Run("OMS-7K3F: new", "bold"), Run("\n"), Run("Русский · Kosten"))),),
    navigation=(Button("desk:claim:OMS-7K3F", "Claim"), Button("https://bot.example.org/staff/requests/OMS-7K3F", "Open", kind="link")),
    title="New request OMS-7K3F",
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def served_by(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trusted(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        return int(one.getsockname()[1])


def channel(url: str, trust: ssl.SSLContext | None = None, timeout: float = 5) -> Email:
    return Email(Options(url, BOT, trust, timeout))


def delivery(reply: Reply = CARD, number: int = 7) -> Delivery:
    return Delivery(STAFF, reply, number=number)


async def test_an_alert_arrives(mailbox: Mailbox) -> None:
    """Plain text in any script, with the link, without the buttons of a messenger, and marked as sent by a program."""
    async with serving(mailbox) as port:
        email = channel(f"smtp://127.0.0.1:{port}")
        assert await email.send(delivery()) == ""
    [message] = mailbox.taken
    assert mailbox.envelopes == [(BOT, [STAFF])]
    assert (message["From"], message["To"], message["Subject"]) == (BOT, STAFF, "New request OMS-7K3F")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    said = message.get_content().replace("\r\n", "\n")
    assert said == "OMS-7K3F: new\nРусский · Kosten\n\nOpen: https://bot.example.org/staff/requests/OMS-7K3F\n"
    assert abs(parsedate_to_datetime(message["Date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert email.trouble() == ""


def test_a_repetition_can_be_recognised() -> None:
    """The id is the letter's: the same when it is sent once more, another one for another letter, and it is our domain's."""
    first, again, other = (written(delivery(number=number), BOT)["Message-ID"] for number in (7, 7, 8))
    assert first == again != other
    assert first.endswith("@example.org>")


def test_links_are_spelt_out_and_subjects_stay_one_line() -> None:
    """Plain text has no links; and no word of a title can begin another header."""
    reply = Reply((Listing(((Run("OMS-7K3F", href="https://bot.example.org/x"), Run(": late")),)),), title="Late\r\nBcc: eve@example.org")
    message = written(delivery(reply), BOT)
    assert "OMS-7K3F (https://bot.example.org/x): late" in message.get_content()
    assert message["Subject"] == "Late Bcc: eve@example.org"
    assert message["Bcc"] is None


@pytest.mark.parametrize("way", ["from the start", "by STARTTLS"])
async def test_over_tls_with_a_password(mailbox: Mailbox, served_by: ssl.SSLContext, trusted: ssl.SSLContext, way: str) -> None:
    """smtps:// speaks TLS from the first byte; the password from the URL, whatever is in it, is used only inside."""
    account = "bot%40example.org:correct%20horse%2Fbattery@"
    if way == "from the start":
        async with serving(mailbox, implicit=served_by, authenticator=mailbox.authenticate, auth_require_tls=False) as port:
            await channel(f"smtps://{account}127.0.0.1:{port}", trusted).send(delivery())
    else:
        how: dict[str, Any] = {
            "tls_context": served_by,
            "require_starttls": True,
            "authenticator": mailbox.authenticate,
            "auth_required": True,
        }
        async with serving(mailbox, **how) as port:
            server = connection(Options(f"smtp://{account}mail.example.org:{port}", BOT, trusted, 5))
            server.hostname = "127.0.0.1"  # elsewhere than on this machine, STARTTLS is demanded
            await server.connect()
            await server.send_message(written(delivery(), BOT))
            await server.quit()
    assert len(mailbox.taken) == 1
    assert mailbox.secret
    assert mailbox.signed_in == [USER]


async def test_without_tls_nothing_is_said_to_strangers(mailbox: Mailbox) -> None:
    """A server elsewhere that offers no TLS gets neither the password nor the message."""
    async with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as port:
        server = connection(Options(f"smtp://user:secret@mail.example.org:{port}", BOT, None, 5))
        server.hostname = "127.0.0.1"
        with pytest.raises(Exception, match="STARTTLS"):
            await server.connect()
        server.close()
    assert mailbox.signed_in == []
    assert mailbox.taken == []


async def test_a_certificate_nobody_vouches_for(mailbox: Mailbox, served_by: ssl.SSLContext) -> None:
    """The message waits, and the operator is told why."""
    async with serving(mailbox, implicit=served_by) as port:
        email = channel(f"smtps://127.0.0.1:{port}")
        with pytest.raises(NotSent) as failure:
            await email.send(delivery())
    assert failure.value.passing
    assert email.trouble() == "the mail server's certificate is not trusted"
    assert mailbox.taken == []


@pytest.mark.parametrize(
    ("answer", "permanent", "spoken"),
    [
        ("550 5.7.1 callbacks@example.org is not welcome", True, "550 5.7.1"),
        ("554 no", True, "554"),
        ("451 4.7.1 come back later, callbacks@example.org", False, "451 4.7.1"),
        ("421 shutting down", False, "421"),
    ],
)
@pytest.mark.parametrize("where", ["recipient", "message"])
async def test_refusals(mailbox: Mailbox, answer: str, permanent: bool, spoken: str, where: str) -> None:
    """5xx gives the message up, 4xx is no fault of the message; the server's words, which may name people, are not repeated."""
    async with serving(mailbox) as port:
        email = channel(f"smtp://127.0.0.1:{port}")
        if where == "recipient":
            mailbox.recipient = answer
        else:
            mailbox.answers.append(answer)
        with pytest.raises(NotSent) as failure:
            await email.send(delivery())
        assert (failure.value.permanent, failure.value.passing) == (permanent, not permanent)
        assert str(failure.value).endswith(spoken)
        assert "callbacks" not in str(failure.value) + email.trouble()
        assert (email.trouble() == "") == permanent
        mailbox.recipient = ""
        await email.send(delivery())
        assert email.trouble() == ""


async def test_a_wrong_password_is_the_operators_trouble(mailbox: Mailbox) -> None:
    """No message is given up for it: it waits until the password is right."""
    async with serving(mailbox, authenticator=mailbox.authenticate, auth_require_tls=False) as port:
        email = channel(f"smtp://bot%40example.org:wrong@127.0.0.1:{port}")
        with pytest.raises(NotSent) as failure:
            await email.send(delivery())
        assert failure.value.passing
        assert email.trouble().startswith("the mail server refuses us: 535")
        assert "wrong" not in email.trouble()


async def test_trouble_is_seen_before_the_first_alert(mailbox: Mailbox) -> None:
    """A server that does not let us in is said as soon as the program runs."""
    email = channel(f"smtp://127.0.0.1:{free_port()}")
    looking = asyncio.create_task(email.run())
    await until(lambda: bool(email.trouble()), "trouble")
    looking.cancel()
    await asyncio.wait([looking])
    assert "cannot be used" in email.trouble()


async def _hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\xff no mail server\r\n" * 10)
    await writer.drain()
    writer.close()


async def _greets_and_goes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 hello\r\n")
    await reader.readline()
    writer.close()


async def _says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.parametrize("odd", [_hangs_up, _babbles, _greets_and_goes, _says_nothing], ids=lambda odd: odd.__name__)
async def test_odd_servers(odd: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> None:
    """Whatever answers there, the message waits, and nothing but NotSent comes out."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await odd(reader, writer)
        with suppress(OSError):
            await writer.wait_closed()
        over.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        email = channel(f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=0.5)
        with pytest.raises(NotSent) as failure:
            await email.send(delivery())
        assert failure.value.passing
        assert email.trouble()
        await over.wait()


async def test_a_connection_that_breaks_repeats_the_same_message(database: Database, mailbox: Mailbox) -> None:
    """The server has taken the message and could not say so: it comes again, under the same id, and the outbox is empty then."""
    mailbox.breaks, mailbox.answers = 1, []
    async with serving(mailbox) as port:
        sending = Outbox(database, {"email": channel(f"smtp://127.0.0.1:{port}")}, "test", wait=lambda _: 0.01, clock=lambda: NOW)
        books = asyncio.create_task(sending.run())
        async with database.write() as connection_:
            letter = Letter("email", database.chat("email", STAFF), STAFF, CARD, at=NOW)
            sending.deliver(await letters.queue(connection_, database.sealer, [letter], "test", NOW))
        await asyncio.wait_for(sending.drained(), 10)
        books.cancel()
        await asyncio.wait([books])
    first, second = mailbox.taken
    assert first["Message-ID"] == second["Message-ID"]
    async with database.read() as connection_:
        assert await letters.sizes(connection_) == {}


async def test_one_connection_at_a_time(mailbox: Mailbox) -> None:
    """Ten alerts at once reach the server one after the other, each once."""
    async with serving(mailbox) as port:
        email = channel(f"smtp://127.0.0.1:{port}")
        await asyncio.gather(*(email.send(delivery(Reply(words(f"alert {number}"), title="x"), number)) for number in range(10)))
    assert [message.get_content().strip() for message in mailbox.taken] == [f"alert {number}" for number in range(10)]


@pytest.mark.parametrize(
    "url", ["http://mail.example.org", "mail.elsewhere.org:465", "smtp://", "smtps://host:port", "smtp://host/folder", "smtp://[::1"]
)
def test_settings_that_make_no_sense(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address that is no mail server's is refused with what to write, and never repeated: it may hold a password."""
    monkeypatch.setenv("OMSBOT_SMTP_URL", url)
    with pytest.raises(WrongSettings, match="OMSBOT_SMTP_URL: must look like smtps://") as refused:
        load_settings()
    assert url not in str(refused.value)


def test_mail_settings_belong_together() -> None:
    """Half of them is a mistake that is said, not found out by a lost alert."""
    with pytest.raises(ValueError, match="belong together"):
        Settings(_env_file=None, smtp_url=SecretStr("smtps://mail.example.org"))  # type: ignore[call-arg]


async def test_a_new_request_is_announced(content: Content, tmp_path: Path, key: str) -> None:
    """A request that arrives while the program runs is an e-mail in the mailbox: what it is about, where to open it, and nobody's name."""
    mailbox = Mailbox()
    async with serving(mailbox) as port:
        mail = {"smtp_url": f"smtp://127.0.0.1:{port}", "smtp_from": BOT, "staff_email": STAFF, "staff_language": "de"}
        async with App.running(settings(tmp_path, key, public_url="https://bot.example.org", **mail), content=content) as app:
            terminal = app.channels["terminal"]
            assert isinstance(terminal, Terminal)
            for line in ("callback", "I agree", "+44 20 7946 0018", "Send"):
                await terminal.talk("author", line)
            [request] = await queued(app)
            await until(lambda: any(request.reference in message["Subject"] for message in mailbox.taken), "the e-mail")
            assert app.channels["email"].trouble() == ""
    [message] = [message for message in mailbox.taken if request.reference in message["Subject"]]
    assert message["Subject"] == f"Neue Anfrage {request.reference}"
    said = message.get_content()
    assert "Englisch" in said
    assert f"https://bot.example.org/staff/requests/{request.reference}" in said
    assert "7946" not in message.as_string()
