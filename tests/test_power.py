"""A power cut: what was acknowledged had reached the disk before."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from program import Program
from visitor import Visitor

PATIENCE = 30.0  # seconds to attach


def _attach(strace: str, process: int, written: Path) -> subprocess.Popen[str]:
    """Follows all threads from now on; file descriptors are written with what they are."""
    calls = "trace=fsync,fdatasync,pwrite64,write,writev,sendto,sendmsg"
    command = [strace, "-f", "-yy", "-s", "40", "-e", calls, "-o", str(written), "-p", str(process)]
    tracing = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert tracing.stderr is not None
    said = tracing.stderr.readline()
    if "attached" not in said:
        tracing.kill()
        tracing.communicate()
        pytest.skip(f"POWER LOSS IS NOT TESTED: strace may not look at the program ({said.strip()})")
    return tracing


def test_on_disk_before_acknowledged(tmp_path: Path) -> None:
    """Between the last write to the write-ahead log and the answer to the event the log is synced to the disk."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("POWER LOSS IS NOT TESTED: no strace (install Debian's `strace`)")
    with Program(tmp_path, settings={"BACKUPS": "0"}).serving() as server:
        ada = Visitor(server)
        written = tmp_path / "calls"
        tracing = _attach(strace, server.process.pid, written)
        ada.sends(server, {"type": "text", "text": "sleep"})
        os.kill(tracing.pid, signal.SIGINT)
        tracing.communicate(timeout=PATIENCE)
    calls = [line for line in written.read_text().splitlines() if "unfinished" not in line]
    kinds = "".join(map(_kind, calls))
    # Synced means: the call has returned. Nothing goes to the log between the sync and the answer.
    assert re.search(r"W+S[^WA]*A", kinds), calls
    assert "A" not in kinds.split("S")[0], calls


def _kind(call: str) -> str:
    """W: the log was written, S: it was synced, A: the event was answered."""
    if "bot.db-wal" in call and "pwrite64" in call:
        return "W"
    if re.search(r"(fsync|fdatasync)\(\d+<[^>]*bot\.db-wal>\)\s+= 0|<\.\.\. (fsync|fdatasync) resumed>\)\s+= 0", call):
        return "S"
    return "A" if "HTTP/1.1 200" in call else ""
