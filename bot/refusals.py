"""How a command ends that was refused: in one sentence, never in a traceback.

Exit codes: 0 done, 1 refused or not found, 2 wrong usage or settings, 130 Ctrl-C while it starts.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_INTERRUPTED = 130  # what shells call it


@contextmanager
def in_words() -> Iterator[None]:
    """Ends the program with what a user's mistake, or an outage, inside comes to."""
    try:
        yield
    except KeyboardInterrupt:  # before there is anything that could end in order
        raise SystemExit(_INTERRUPTED) from None
    except Exception as error:
        if said := _said(error):
            sentence, code = said
            print(sentence, file=sys.stderr)
            raise SystemExit(code) from None
        raise


def _said(error: Exception) -> tuple[str, int] | None:
    """What is said to whoever typed the command, and the exit code; None for a mistake of ours."""
    # All modules that refuse anything: nobody should wait for them who is refused nothing.
    from bot.cli_db import NotWhole
    from bot.cli_requests import NotFound
    from bot.cli_setup import SetupFailed
    from bot.config import WrongSettings
    from bot.content_problems import ContentError
    from bot.server import AddressInUse, PartDied
    from bot.staff.accounts import AccountRefused
    from bot.staff.actions import Refused
    from bot.staff.passwords import WeakPassword
    from bot.store.backup import BackupFailed
    from bot.store.copy import CopyRefused
    from bot.store.crypto import WrongKey
    from bot.store.outages import is_outage
    from bot.store.staff import NameTaken

    refusals = (
        Refused, NotFound, AddressInUse, PartDied, SetupFailed, BackupFailed, NotWhole, CopyRefused, AccountRefused, NameTaken,
        WeakPassword,
    )  # fmt: skip
    if isinstance(error, refusals):
        return str(error), 1
    if isinstance(error, ContentError):
        return f"{error}\nThe content cannot be used; `oms-bot check` shows the same.", 1
    if isinstance(error, WrongSettings):
        return str(error), 2
    if isinstance(error, WrongKey):
        return "The data key does not fit this database: set OMSBOT_DATA_KEYS to the key it was made with.", 2
    if is_outage(error):
        return (
            "The database cannot be opened: check OMSBOT_DATABASE_URL, that its server runs or its folder can be written, and the disk.",
            1,
        )
    return None
