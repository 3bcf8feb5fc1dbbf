"""A PostgreSQL server of the tests' own, in a temporary folder, on a unix socket; gone when they end."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from bot.store.crypto import Sealer, new_key
from bot.store.database import open_database
from bot.store.tables import metadata

REQUIRED = "OMSBOT_TESTS_NEED_POSTGRES"  # set where its absence is a failure and no reason to skip
ABSENT = "POSTGRESQL IS NOT TESTED: no initdb under /usr/lib/postgresql (install Debian's `postgresql`)"
_SAFE_ENOUGH = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200")
_NAME = "test_reused"
_EMPTY = f"""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_NAME}' AND pid <> pg_backend_pid();
    {"; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))};
    SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'
"""  # noqa: S608 our own names
_numbers = count(1)


def programs() -> Path | None:
    """Where the newest server's programs lie."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: float(file.parts[-3]))
    return found[-1].parent if found else None


class Cluster:
    """A server that can be stopped and started again."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._as: list[str] = []
        self._migrated = False
        if os.geteuid() == 0:  # the server refuses to be root
            names = {user.pw_name for user in pwd.getpwall()}
            user = "postgres" if "postgres" in names else "nobody"
            self._as = ["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"]
            shutil.chown(folder, user)
            folder.chmod(0o755)
        self._run("initdb", "--no-sync", "--auth=trust", "--username=bot", "--encoding=UTF8", "--locale=C", "-D", str(folder / "data"))

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*self._as, str(self._programs / program), *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=60, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        options = " ".join(f"-c {each}" for each in (*_SAFE_ENOUGH, f"unix_socket_directories={self._folder}"))
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--silent", "-D", str(self._folder / "data"), "-l", log, "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "stop", "--wait", "--silent", "-D", str(self._folder / "data"), "-m", mode)

    def sql(self, statement: str, database: str = "postgres") -> None:
        self._run("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-h", str(self._folder), "-U", "bot", "-d", database, "-c", statement)

    def url(self, name: str) -> str:
        return f"postgresql+asyncpg://bot@/{name}?host={self._folder}"

    def migrated(self) -> str:
        """The URL of a database with all tables and no row. It is one and the same: emptying takes 0.02 s, a copy 0.35 s."""
        if self._migrated:
            self.sql(_EMPTY, _NAME)
        else:
            self.sql(f"CREATE DATABASE {_NAME}")
            asyncio.run(_migrate(self.url(_NAME)))
            self.sql("DELETE FROM vault", _NAME)  # every test has a key of its own
            self._migrated = True
        return self.url(_NAME)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database with nothing in it."""
        name = f"test{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")


async def _migrate(url: str) -> None:
    await (await open_database(url, Sealer([new_key()]))).close()


@contextmanager
def running_cluster(programs: Path) -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="oms-pg-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(programs, Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
