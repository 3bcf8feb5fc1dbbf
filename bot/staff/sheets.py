"""Tables of text as files for spreadsheets, made piece by piece while they are sent: CSV (RFC 4180) and XLSX.

openpyxl makes the frame of a workbook, and not its rows: it would keep them, in plain, in a file on the disk meanwhile.
"""

import csv
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from xml.sax.saxutils import escape

Rows = AsyncIterator[Sequence[Sequence[str]]]  # some at a time
Maker = Callable[[Rows], AsyncIterator[bytes]]

_SHEET = "xl/worksheets/sheet1.xml"  # of a new workbook of openpyxl
_TOP = '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_END = "</sheetData></worksheet>"
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAX_CELL = 32_767  # letters, says Excel
_NUMBER = re.compile(r"\+\d+")  # of a telephone: it counts as a number, whatever takes it for a formula
_BEGINS_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
# Where a spreadsheet whose lists are separated otherwise begins a cell in the midst of ours. There our doubled quotes are the
# quotes of its cell, and what stands behind them is its beginning.
_SPLITS = re.compile(rf"([;\t\n-\r\x1c-\x1e\x85\u2028\u2029])(?=[\s\x00-\x1f\ufeff\"]*[{re.escape(''.join(_BEGINS_FORMULA))}])")


def harmless(cell: str) -> str:
    """The cell so that no spreadsheet takes it for a formula."""
    dangerous = cell.startswith(("\t", "\r", "\n")) or cell.lstrip().startswith(_BEGINS_FORMULA)
    return f"'{cell}" if dangerous and not _NUMBER.fullmatch(cell) else cell


def harmless_in_csv(cell: str) -> str:
    """The cell so that no spreadsheet takes it, or what it makes of a part of it, for a formula."""
    return _SPLITS.sub(r"\1'", harmless(cell))


async def as_csv(rows: Rows) -> AsyncIterator[bytes]:
    """UTF-8 with the mark that tells Excel so."""
    yield b"\xef\xbb\xbf"
    async for some in rows:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([harmless_in_csv(cell) for cell in row] for row in some)
        yield text.getvalue().encode(errors="replace")


async def as_xlsx(rows: Rows) -> AsyncIterator[bytes]:
    """A workbook of one sheet in which every cell is text."""
    from openpyxl import Workbook

    frame = io.BytesIO()
    Workbook().save(frame)
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as made:
        with zipfile.ZipFile(frame) as parts:
            for name in parts.namelist():
                if name != _SHEET:
                    made.writestr(name, parts.read(name))
        with made.open(_SHEET, "w", force_zip64=True) as sheet:
            sheet.write(_TOP.encode())
            async for some in rows:
                sheet.write("".join(map(_row, some)).encode())
                yield sent.take()
            sheet.write(_END.encode())
    yield sent.take()


def _row(cells: Sequence[str]) -> str:
    told = (escape(_NO_XML.sub("", harmless(cell))[:_MAX_CELL]) for cell in cells)
    return "<row>" + "".join(f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>' for text in told) + "</row>"


class _Sent(io.RawIOBase):
    """A file that is handed on as it grows; nobody can go back in it."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._waiting += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._waiting = bytes(self._waiting), bytearray()
        return taken


FORMATS: Mapping[str, tuple[Maker, str]] = {  # by the ending of the file's name
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
