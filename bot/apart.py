"""Reads the content, and learns from it, in a process of its own.

Both take seconds, and leave the memory of whoever does them several times as large as the content is. Done elsewhere,
the program gets the content through a pipe, later what was learnt, and nothing else. Whatever happens to that process,
the content is read all the same: here, then.
"""

import os
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from bot.content_problems import ContentError
from bot.core.library import Content
from bot.logs import place

_POLITE = 5  # how nice the other process is to this one while it learns: people are being answered meanwhile, and it must get on too
_STOPS = {signal.SIGINT, signal.SIGTERM}  # for this process, even when the terminal sends them to both: it ends the other one

log = structlog.get_logger()


def _files() -> dict[Path, tuple[int, int]]:
    """Each file of the program: when it was written, and how long it is."""
    return {file: (found.st_mtime_ns, found.st_size) for file in Path(__file__).parent.rglob("*.py") if (found := file.stat())}


_FILES = _files()  # as they were when this process began


class OtherProgram(Exception):
    """The files of the program are others than those this process runs, and content read by them may be other than it takes it to be."""


class Apart:
    """The other process, from its beginning to the end of the `with` block."""

    def __init__(self, folder: Path, process: int = 0, pipe: int | None = None, *, later: bool = False) -> None:
        """Without a process everything is done here, when it is asked for. `later`: not at the start of this process."""
        self._folder, self._process, self._later = folder, process, later
        self._pipe = os.fdopen(pipe, "rb") if pipe is not None else None
        self._left = False

    @classmethod
    def forked(cls, folder: Path) -> "Apart":
        """Begins at once, with all that is imported. Only for a process without threads and open files."""
        return cls._begun(folder, _fork, later=False) if hasattr(os, "fork") else cls(folder)

    @classmethod
    def spawned(cls, folder: Path) -> "Apart":
        """The same at any time; the other process imports everything anew."""
        return cls._begun(folder, _spawn, later=True) if hasattr(os, "posix_spawn") else cls(folder, later=True)

    @classmethod
    def _begun(cls, folder: Path, begin: Callable[[Path, int, int], int], *, later: bool) -> "Apart":
        pipe: tuple[int, ...] = ()
        try:
            pipe = ours, theirs = os.pipe()
            process = begin(folder, ours, theirs)
        except OSError as error:  # too many files or processes, or Python is not where it was
            for end in pipe:
                os.close(end)
            _say_broken(error)
            return cls(folder, later=later)
        os.close(theirs)
        return cls(folder, process, ours, later=later)

    def content(self) -> Content:
        """What was read; waits for it. Raises ContentError, and OtherProgram when that was put in place since the start."""
        found = self._next()
        if self._later and _files() != _FILES:
            raise OtherProgram
        if isinstance(found, ContentError):
            raise found
        if isinstance(found, Content):
            return found
        from bot.content_rules import load  # with all that it needs, which is much: mostly the other process has it

        return load(self._folder)

    def learnt(self) -> bytes:
        """What that content has learnt, for its `adopt`; waits for it. Nothing when it has to learn here."""
        learnt = self._pipe.read() if self._pipe else b""
        return learnt if self._ended() == 0 else b""  # else it may be half of it

    def _next(self) -> object:
        """What comes next from the other process; None when nothing does."""
        if not self._pipe:
            return None
        try:
            return pickle.load(self._pipe)  # noqa: S301 a process that we have started
        except Exception as error:  # of whatever kind: it ended in the middle
            if self._left:
                raise
            _say_broken(error)
            return None

    def _ended(self) -> int | None:
        """Waits for the end of the other process; what it ended with, where that is known."""
        process, self._process = self._process, 0
        with suppress(ChildProcessError):
            return os.waitpid(process, 0)[1] if process else None
        return None

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *error: object) -> None:
        """Ends the other process, if it still runs. Who waits for it in another thread gets an error. Again does nothing."""
        self._left = True
        if self._process:
            with suppress(ProcessLookupError):  # where nobody waits for children, it may be gone
                os.kill(self._process, signal.SIGKILL)  # there is nothing to clean up
            self._ended()
        if self._pipe:
            self._pipe.close()


def _say_broken(error: Exception) -> None:
    log.warning("reading_broke_off", error=place(error), advice="what is missing is done in this process")


def elsewhere(work: Callable[[], object]) -> None:
    """Does the work in a process of its own and waits for it, whatever becomes of it. Only for a process without threads."""
    if hasattr(os, "fork"):
        with suppress(OSError):
            os.waitpid(_forked(work), 0)


def _fork(folder: Path, ours: int, theirs: int) -> int:
    def work() -> None:
        os.close(ours)
        _work(folder, theirs)

    return _forked(work)


def _forked(work: Callable[[], object]) -> int:
    """Returns in this process only: the number of the other one, which does the work."""
    # A signal that comes during a fork has its handler called where Python ignores what it raises, and the stop would be none.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS | {signal.SIGHUP})
    try:
        process = os.fork()
        if not process:  # the signals stay blocked there
            code = 1
            try:
                _become_quiet()
                work()
                code = 0
            finally:
                os._exit(code)  # nothing of what the parent has begun is ended twice
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return process


def _spawn(folder: Path, _: int, theirs: int) -> int:
    quiet = [(os.POSIX_SPAWN_OPEN, there, os.devnull, os.O_RDWR, 0) for there in (0, 2)]
    files = [*quiet, (os.POSIX_SPAWN_DUP2, theirs, 1)]
    command = [sys.executable, "-P", "-m", "bot.apart", str(folder)]  # -P: not what lies in the folder that we were started in
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return os.posix_spawn(sys.executable, command, os.environ | {"PYTHONPATH": path}, file_actions=files, setsigmask=_STOPS)


def _work(folder: Path, pipe: int) -> None:
    """What the other process does. When nobody reads it any more, it ends with an error that nobody sees."""
    from bot.content_rules import load

    with os.fdopen(pipe, "wb") as out:
        try:
            content = load(folder)
        except ContentError as refused:
            pickle.dump(refused, out)
            return
        pickle.dump(content, out, pickle.HIGHEST_PROTOCOL)
        out.flush()
        os.nice(_POLITE)
        content.learn()
        out.write(content.learnt())


def _become_quiet() -> None:
    """Nothing more to do with the terminal."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)


if __name__ == "__main__":
    _work(Path(sys.argv[1]), 1)
