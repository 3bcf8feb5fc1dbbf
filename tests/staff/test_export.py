"""The list as a file: what stands in it, what spreadsheets may not take it for, who is on record for having taken it."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from desk_browser import Office, open_office
from desk_people import hire
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from people import ADA, BOB, NOW, Person
from sqlalchemy import delete, insert, update

from bot.core.library import Content
from bot.staff.export import BATCH, COLUMNS, EXPORT
from bot.staff.sheets import FORMATS, as_csv, as_xlsx, harmless
from bot.store import staff
from bot.store.database import Database
from bot.store.tables import contacts, requests

FORMULA = Person("chat-of-mallory", '=HYPERLINK("http://evil.test")', "+442079460077")


@pytest.fixture
async def office(database: Database, content: Content) -> Office:
    await hire(database, "Bea", role="admin")
    return open_office(database, content)


def read_csv(body: bytes) -> list[list[str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def read_xlsx(body: bytes) -> list[list[str]]:
    [sheet] = load_workbook(io.BytesIO(body)).worksheets
    assert all(cell.data_type in ("s", "n") for row in sheet.iter_rows() for cell in row)  # n: an empty one
    return [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("ending", FORMATS)
async def test_the_list_as_it_is_shown(office: Office, ending: str) -> None:
    """The view with its filters, or the search, in its order; times in the office's zone; the audit trail says how many, not whose."""
    ada = await office.request(ADA)
    await office.request(BOB)
    async with office.database.write() as connection:
        await connection.execute(update(requests).where(requests.c.id == ada.id).values(channel="web"))
    read = {"csv": read_csv, "xlsx": read_xlsx}[ending]
    async with office.browser("Bea") as browser:
        answer = await browser.post(EXPORT, data={"format": ending, "view": "all"})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert f'attachment; filename="requests-all-2026-11-23.{ending}"' == answer.headers["content-disposition"]
        heading, *rows = read(answer.content)
        assert (len(heading), [row[2] for row in rows]) == (len(COLUMNS), ["Ada Fictional", "Bob Fictional"])
        first = dict(zip(heading, rows[0], strict=True))
        assert (first["Reference"], first["Phone"], first["Asked"]) == (ada.reference, ADA.phone, "2026-11-23 10:00")
        for narrow, names in {"channel": ("web", ["Ada Fictional"]), "text": ("bob", ["Bob Fictional"]), "view": ("closed", [])}.items():
            answer = await browser.post(EXPORT, data={"format": ending, narrow: names[0]})
            assert [row[2] for row in read(answer.content)[1:]] == names[1]
    async with office.database.read() as connection:
        noted = [(event.who, event.about) for event in await staff.events(connection) if event.what == "exported"]
    assert noted == [("Bea", f"{n}, {view}, {ending}") for n, view in ((0, "closed"), (1, "search"), (1, "all"), (2, "all"))]


@pytest.mark.parametrize("ending", FORMATS)
async def test_a_name_is_no_formula(office: Office, ending: str) -> None:
    """Whatever people call themselves is text for every spreadsheet."""
    await office.request(FORMULA)
    async with office.browser("Bea") as browser:
        answer = await browser.post(EXPORT, data={"format": ending})
    [_, row] = {"csv": read_csv, "xlsx": read_xlsx}[ending](answer.content)
    assert row[2].startswith("'=")


@pytest.mark.parametrize("cell", ["=1+1", "+1-1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "+49 30=1"])
def test_dangerous_cells(cell: str) -> None:
    """What a spreadsheet might run gets a mark in front."""
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ada", "+442079460018", "a=b", "2026-11-23 10:00"])
def test_other_cells(cell: str) -> None:
    """Everything else stays as it is, telephone numbers too."""
    assert harmless(cell) == cell


async def written(rows: Sequence[Sequence[str]]) -> str:
    """The rows as they stand in the file."""

    async def given() -> AsyncIterator[Sequence[Sequence[str]]]:
        yield rows

    return b"".join([piece async for piece in as_csv(given())]).decode("utf-8-sig")


def begins_formula(cell: str) -> bool:
    return cell.lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("separator", [";", "\t", ","])
@pytest.mark.parametrize(
    "name",
    [
        "Max;=cmd|'/C calc'!A0;x",
        "Max; +1+1",
        "Max\t-1",
        "Max\n@SUM(A1)",
        "Max\r\n＝1",
        'Max;"=1+1;x',
        'Max;""=1+1;"',
        ";;\t=1",
        'a"b;=1',
        "=1;＋1;－1;＠1",
    ],
)
async def test_no_list_separator_makes_a_formula(separator: str, name: str) -> None:
    """However a spreadsheet separates lists, no cell it finds in the file begins like a formula."""
    text = await written([["Reference", "Name", "Topic"], ["OMS-1", name, "a"], ["OMS-2", name, '"']])
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    assert [cell for cell in cells if begins_formula(cell)] == []


@given(st.lists(st.lists(st.text(";,\t\r\n\"'=+-@＝＠ a"), min_size=2, max_size=4), max_size=4), st.sampled_from(";\t,"))
def test_no_letters_make_a_formula(names: list[list[str]], separator: str) -> None:
    """Nor does it from any mixture of separators, quotes and line ends, in whichever cells."""
    text = asyncio.run(written([["OMS-1", *row] for row in names]))
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    assert [cell for cell in cells if begins_formula(cell)] == []


@pytest.mark.parametrize("name", ["Max; Moritz", "a;b=c", "Anna-Lena; née Groß", "Ada + Bob"])
async def test_names_without_formula_stay(name: str) -> None:
    """A separator alone changes nothing."""
    assert list(csv.reader(io.StringIO(await written([["OMS-1", name]]), newline=""))) == [["OMS-1", name]]


async def test_a_list_of_many_pages(office: Office) -> None:
    """However many there are, all come, in order; who is erased meanwhile is left out."""
    sealed, many = office.database.sealer.seal('{"name": "Many"}'), 2 * BATCH + 7
    rows = [
        {
            "reference": f"OMS-{n:04}", "contact_id": n, "topic": "", "state": "new", "channel": "web", "language": "en",
            "details": sealed, "created_at": NOW, "due_at": NOW, "next_at": NOW + timedelta(minutes=n),
        }
        for n in range(1, many + 1)
    ]  # fmt: skip
    async with office.database.write() as connection:
        await connection.execute(
            insert(contacts), [{"id": n, "session": b"", "created_at": NOW, "seen_at": NOW} for n in range(1, many + 1)]
        )
        await connection.execute(insert(requests), rows)
        await connection.execute(delete(requests).where(requests.c.reference == "OMS-0003"))
    async with office.browser("Bea") as browser:
        listed = read_csv((await browser.post(EXPORT, data={"format": "csv"})).content)[1:]
    assert [row[0] for row in listed] == [f"OMS-{n:04}" for n in range(1, many + 1) if n != 3]


async def test_odd_letters() -> None:
    """What no XML may hold, quotes, line ends and letters of any script make no file unreadable."""
    row = ["a\x00\x0b<&>\"'", "two\nlines, and a comma", "أوبسوكلونوس 🧠"]

    async def rows() -> AsyncIterator[Sequence[Sequence[str]]]:
        yield [row]

    assert read_csv(b"".join([piece async for piece in as_csv(rows())])) == [row]
    assert read_xlsx(b"".join([piece async for piece in as_xlsx(rows())])) == [["a<&>\"'", *row[1:]]]


async def test_only_known_formats(office: Office) -> None:
    """Anything else is refused, and is no export."""
    async with office.browser("Bea") as browser:
        for data in ({}, {"format": "pdf"}, {"format": "../csv"}):
            assert (await browser.post(EXPORT, data=data)).status_code == 400
