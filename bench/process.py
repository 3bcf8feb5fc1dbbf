"""A bot as a process of its own on a core of its own, watched from outside."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

CORES = sorted(os.sched_getaffinity(0))
BOT_CORE, OUR_CORE = CORES[0], CORES[-1]
START = 30.0  # seconds
SETTLED_SECONDS = 0.5  # of hardly any work


class DidNotStart(Exception):
    """The bot ended or was not ready in time; the text says where its log is."""


class Bot:
    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.log = folder / "bot.log"
        self._begun = time.perf_counter()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=log, stderr=log, preexec_fn=lambda: os.sched_setaffinity(0, {BOT_CORE})
            )
        self._watched = psutil.Process(self._process.pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self, port: int, path: str, *, any_status: bool) -> float:
        """Seconds from its start until it answers (with 200, unless any answer will do)."""
        while time.perf_counter() - self._begun < START:
            if self._process.poll() is not None:
                raise DidNotStart(f"it ended with {self._process.returncode}: see {self.log}")
            status = 0
            with suppress(OSError, asyncio.IncompleteReadError, ValueError):
                status = await _status(port, path)
            if status == 200 or (status and any_status):
                return time.perf_counter() - self._begun
            await asyncio.sleep(0.005)
        raise DidNotStart(f"not ready after {START:.0f} s: see {self.log}")

    async def settled(self) -> None:
        """Returns when it has nothing left to do after its start: what it, or a child of it, learns then is not measured."""
        for _ in range(round(START / SETTLED_SECONDS)):
            before = self.cpu()
            await asyncio.sleep(SETTLED_SECONDS)
            if not self._watched.children() and self.cpu() - before < 0.1 * SETTLED_SECONDS:
                return

    def cpu(self) -> float:
        """Seconds of the processor it has used."""
        used = self._watched.cpu_times()
        return float(used.user + used.system)

    def starved(self) -> float:
        """Seconds in which it could have run but others had its core, all its threads together."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(file.read_text().split()[1]) for file in threads) / 1e9

    def memory(self) -> float:
        """Megabytes resident."""
        return float(self._watched.memory_info().rss) / 1e6

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


async def _status(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), 2)
        return int(line.split()[1])
    finally:
        writer.close()
