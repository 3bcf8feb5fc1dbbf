"""The whole way of a request, on every channel: asked for, seen by staff everywhere at once, tried, answered, closed, judged."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from bot_api import Fault
from desk_program import GROUP, PASSWORD, PHONE, URL, Console, World, around, asks, signed_in, until

from bot.core.library import Content
from bot.core.markup import plain
from bot.shelf import Shelf
from bot.staff.alerts import Alerts, phrases
from bot.staff.desk import Desk
from bot.staff.watch import Watch
from bot.store import requests
from bot.store.database import Database
from bot.store.outbox import Letter
from bot.store.requests import StoredRequest
from bot.store.statistics import Share, statistics
from bot.store.tables import REQUEST_STATES


async def asked(database: Database) -> StoredRequest:
    """The one request as it is now."""
    async with database.read() as connection:
        [request] = await requests.listed(connection, database.sealer, REQUEST_STATES)
    return request


async def events(database: Database) -> list[tuple[str, str, str]]:
    """The request's history."""
    request = await asked(database)
    async with database.read() as connection:
        entries = await requests.history(connection, database.sealer, request.id)
    return [(entry.who, entry.what, entry.note) for entry in entries]


@pytest.mark.parametrize("channel", ["web", "telegram", "whatsapp"])
async def test_the_whole_way(tmp_path: Path, channel: str) -> None:
    """What staff do in the group and in the console is seen in both, the caller hears of it and is heard, and all of it is on record."""
    async with around(tmp_path) as world:
        await world.hire("Bea")
        with world.program.serving() as server:
            caller = world.caller(channel, server)
            async with signed_in(server, "Bea") as console, world.database() as database:
                bea = await world.link(console, 501)
                await asks(caller)
                request = await asked(database)
                reference = request.reference
                page = f"requests/{reference}"

                async def mailed() -> bool:
                    return len(world.mailbox.taken) > 0

                await until(mailed, "an e-mail")
                [mail] = world.mailbox.taken
                assert reference in str(mail["subject"])
                assert PHONE not in mail.as_string()
                assert "Maria" not in mail.as_string()
                await world.card(f"{reference}: new")
                assert reference in await console.page()

                await bea.press("Claim")
                await world.card(reference, "Bea has it")
                assert "claimed · Bea" in await console.page(page)
                assert reference in await console.page("?view=mine")

                done = await console.do(reference, "attempt", result="no-answer", plan="soon", words="rang out")
                assert done.status_code == 303, done.text
                await world.card(reference, "Attempts: 1")
                await caller.wait_for("did not reach you")
                await caller.press("A better time")
                await caller.wait_for("When is a good time to call?")
                await caller.press("set:when:morning")
                await caller.wait_for("Your request is changed")
                changed = await asked(database)
                assert (changed.answers["when"], changed.answers["phone"]) == ("morning", PHONE)
                assert "Morning" in await console.page(page)
                await world.card(reference, f"Next step: {phrases('en').moment(changed.next_at, 'Europe/Berlin')}")

                assert (await console.send(f"{page}/message", words="We can call at seven, <b>Maria</b>.")).status_code == 303
                await caller.wait_for("We can call at seven, <b>Maria</b>.")
                assert (await console.do(reference, "attempt", result="reached")).status_code == 303
                assert (await console.do(reference, "close", outcome="helped")).status_code == 303
                await caller.wait_for("Did we help you?")
                await world.card(reference, "closed by Bea", "Outcome: helped")
                assert reference not in await console.page("?view=all")
                assert reference in await console.page("?view=closed")
                await caller.press("Yes, it helped")
                await caller.wait_for("We are glad that we could help")
                for once in ("did not reach you", "Did we help you?", "We can call at seven"):
                    assert caller.heard(once) == 1, once
                assert len(world.cards()) == 1
                assert len(world.mailbox.taken) == 1

                happened = await events(database)
                assert [(who, what) for who, what, _ in happened if what != "viewed"] == [
                    ("caller", "sent"), ("Bea", "claim"), ("Bea", "attempt"), ("caller", "changed"), ("Bea", "wrote"),
                    ("Bea", "attempt"), ("Bea", "close"), ("caller", "helped"),
                ]  # fmt: skip
                assert ("Bea", "viewed", "") in happened
                closed = await asked(database)
                assert (closed.state, closed.outcome, closed.attempts) == ("closed", "helped", 2)
                async with database.read() as connection:
                    numbers = await statistics(connection, 2, datetime.now(UTC))
                assert {name: sum(days.values()) for name, days in numbers.by_channel.items()} == {channel: 1}
                assert {name: sum(days.values()) for name, days in numbers.by_language.items()} == {"en": 1}
                assert (numbers.reached, numbers.helped, numbers.outcomes) == (Share(1, 1), Share(1, 1), {"helped": 1})
                assert (numbers.funnel["sent"], numbers.funnel["consented"]) == (1, 1)
                assert numbers.median is not None


async def test_a_caller_who_withdraws(tmp_path: Path, content: Content) -> None:
    """What they told is gone from every place at once, staff are reminded of it no more, and nothing can be done with it."""
    async with around(tmp_path) as world:
        await world.hire("Bea")
        with world.program.serving() as server:
            caller = world.caller("telegram", server)
            async with signed_in(server, "Bea") as console, world.database() as database:
                await asks(caller)
                reference = (await asked(database)).reference
                assert (await console.do(reference, "claim")).status_code == 303
                assert (await console.do(reference, "note", words="the aunt is a nurse")).status_code == 303
                assert "Maria" in await console.page(f"requests/{reference}")
                await caller.press("Withdraw")
                await caller.wait_for("?")
                await caller.press("withdraw:yes")
                await caller.wait_for("is withdrawn")
                card = await world.card(reference, "withdrawn by the caller")
                assert [data for row in card.buttons for _, data in row] == [f"{URL}/staff/requests/{reference}"]
                page = await console.page(f"requests/{reference}")
                assert "withdrawn" in page
                assert not [told for told in ("Maria", PHONE, "+44", "nurse") if told in page]
                assert reference not in (await console.send("search", text="Maria")).text
                for action in ("claim", "note", "message", "reopen", "correct", "attempt"):
                    refused = await console.do(reference, action, words="hello", result="reached", phone=PHONE)
                    assert refused.status_code in (409, 422), action
        gone = await _reminded(world, content, timedelta(days=3))
        assert gone == ""
        assert (await _asked(world)).answers == {}


async def _asked(world: World) -> StoredRequest:
    async with world.database() as database:
        return await asked(database)


async def _reminded(world: World, content: Content, later: timedelta) -> str:
    """What staff would be reminded of then."""
    letters: list[Letter] = []
    async with world.database() as database:
        alerts = Alerts(database, Shelf(content), "callbacks@example.org", str(GROUP), URL)
        watch = Watch(Desk(database, alerts.shelf, places=alerts), letters.extend)
        for hours in range(0, int(later / timedelta(hours=1)), 3):
            await watch.look(datetime.now(UTC) + timedelta(hours=hours))
    return " ".join(plain(letter.reply.body) for letter in letters if "OMS-" in plain(letter.reply.body))


async def test_a_kill_between_press_and_card(tmp_path: Path, content: Content) -> None:
    """The program dies after a press in the group was taken in and before the card could say so: the next start says it, once."""
    async with around(tmp_path) as world:
        await world.hire("Bea")
        with world.program.serving() as server:
            caller = world.caller("telegram", server)
            async with signed_in(server, "Bea") as console, world.database() as database:
                bea = await world.link(console, 501)
                await asks(caller)
                reference = (await asked(database)).reference
                await world.card(f"{reference}: new")
                world.telegram.luck = lambda method: Fault(status=502, raw="bad gateway") if method == "editmessagetext" else Fault()
                await bea.press("Claim")

                async def tried() -> bool:
                    return any(call.method == "editMessageText" and not call.ok for call in world.telegram.calls)

                await until(tried, "a try to edit the card")
                server.kill()
        [card] = world.cards()
        assert "new" in card.text
        assert (await _asked(world)).claimed_by == "Bea"
        world.telegram.luck = lambda _: Fault()
        with world.program.serving() as server:
            await world.card(reference, "Bea has it")
            async with signed_in(server, "Bea") as console:
                assert "claimed · Bea" in await console.page(f"requests/{reference}")
        async with world.database() as database:
            assert [what for who, what, _ in await events(database) if who == "Bea" and what != "viewed"] == ["claim"]
        assert len(world.cards()) == 1
        assert reference in await _reminded(world, content, timedelta(days=3))  # as it would not be if it were withdrawn


async def test_two_instances_are_one_desk(tmp_path: Path, postgresql_url: str) -> None:
    """Who is signed in at one is at the other; what is done at one is seen at the other; of two claims at once one counts."""
    instance = str(Path(__file__).with_name("instance.py"))
    async with around(tmp_path, {"DATABASE_URL": postgresql_url}, (instance, "2")) as world:
        await world.hire("Bea", "Kim")
        with world.program.serving() as one, world.program.serving() as two:
            caller = world.caller("web", one)
            async with signed_in(one, "Bea") as bea, signed_in(two, "Kim") as kim, world.database() as database:
                await asks(caller)
                reference = (await asked(database)).reference
                path = f"requests/{reference}"
                await world.card(f"{reference}: new")
                assert reference in await kim.page()
                answers = await asyncio.gather(bea.do(reference, "claim"), kim.do(reference, "claim"))
                assert sorted(answer.status_code for answer in answers) == [303, 409]
                winner = (await asked(database)).claimed_by
                assert winner in ("Bea", "Kim")
                for console in (bea, kim):
                    assert f"claimed · {winner}" in await console.page(path)
                await world.card(reference, f"{winner} has it")
                attempts = await asyncio.gather(
                    bea.do(reference, "attempt", result="no-answer"), kim.do(reference, "attempt", result="voicemail")
                )
                assert 303 in [answer.status_code for answer in attempts]
                request = await asked(database)
                assert request.attempts == [answer.status_code for answer in attempts].count(303)
                await world.card(reference, f"Attempts: {request.attempts}")
                await caller.wait_for("did not reach you")
                assert caller.heard("did not reach you") == request.attempts
                elsewhere = Console(kim.client, bea.headers)
                assert "Bea" in await elsewhere.page("account")
                await kim.send("admin/1/disable")
                for console in (bea, elsewhere):
                    assert (await console.client.get("/staff/", headers=bea.headers)).status_code == 303
                await kim.send("admin/1/enable")
                assert (await bea.client.get("/staff/", headers=bea.headers)).status_code == 303
                assert len(world.cards()) == 1


# Everything a program says, on one line of descent: what goes to standard error too.
ALOUD = "import os, runpy, sys; os.dup2(1, 2); sys.argv = ['bot', 'serve']; runpy.run_module('bot', run_name='__main__')"


async def test_nobody_stands_in_the_log(tmp_path: Path) -> None:
    """However much is logged, and whatever is sent in at the desk: no name, number, message, password, session or code is in it,
    nor in the metrics."""
    async with around(tmp_path, {"LOG_LEVEL": "DEBUG"}, ("-c", ALOUD)) as world:
        await world.hire("Bea")
        with world.program.serving() as server:
            caller = world.caller("telegram", server)
            async with signed_in(server, "Bea") as console, world.database() as database:
                bea = await world.link(console, 501)
                await asks(caller)
                reference = (await asked(database)).reference
                await world.card(f"{reference}: new")
                await bea.press("Claim")
                await world.card("Bea has it")
                await console.send("search", text="Maria")
                await console.do(reference, "note", words="the aunt is a nurse")
                await console.do(reference, "correct", email="maria@example.org")
                world.telegram.fail_next("sendMessage", status=400, description="chat not found")
                await console.send(f"requests/{reference}/message", words="at seven, Maria")
                await console.send("sign-in", name="Maria", password="seven mad cows")
                for path in ("requests/Maria%0d%0aSet-Cookie:%20a=b", "%2e%2e/%00?Maria", "search?text=Maria"):
                    answer = await console.client.get(f"/staff/{path}", headers=console.headers)
                    assert answer.status_code < 500
                for name, value in (
                    ("Cookie", "omsbot_staff=\xff\xfe; omsbot_zone=%ff%00/../../etc/passwd"),
                    ("Accept-Language", "\xff," * 3000),
                ):
                    hostile = httpx.Headers(
                        [
                            *((key.encode(), text.encode()) for key, text in console.headers.items() if key != name),
                            (name.encode(), value.encode("latin-1")),
                        ]
                    )
                    assert (await console.client.get("/staff/", headers=hostile)).status_code < 500
                metrics = (await console.client.get("/metrics")).text
            server.process.terminate()
            assert server.process.stdout is not None
            log = await asyncio.to_thread(server.process.stdout.read)
        assert "stopped" in log
        token = console.headers["Cookie"].partition("=")[2]
        secret = ("Maria", "maria", "7946", "4711", "nurse", "seven", PASSWORD, "mad cows", token, world.telegram.token, world.program.key)
        assert [said for said in secret if said in log or said in metrics] == []
