"""The content is read, and learnt from, in a process of its own: it comes over whole, or is read here, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from program import PATIENCE, ROOT, Program

from bot.apart import Apart
from bot.content_problems import ContentError
from bot.core.library import Content
from bot.core.likeness import Kinds, Topics
from bot.core.words import normal

CONTENT = ROOT / "content"
SAID = ("I have chest pain and cannot breathe", "what can I do about the eyes", "ich will nicht mehr leben", "у ребёнка трясутся руки")
OURS = os.getpid()
BEGIN = [pytest.param(Apart.forked, id="forked"), pytest.param(Apart.spawned, id="spawned")]
Begin = Callable[[Path], Apart]


def children(process: int) -> list[int]:
    return [int(pid) for task in Path(f"/proc/{process}/task").iterdir() for pid in (task / "children").read_text().split()]


@pytest.fixture
def others() -> set[int]:
    """What runs beside the tests anyway, a database for example."""
    return set(children(OURS))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def known(content: Content) -> list[object]:
    """What has been learnt."""
    learners: list[Kinds | Topics] = []
    for language in content.languages.values():
        learners += [language.wording.like, language.index.topics, language.index.others]
    return [{name: value for name, value in vars(each).items() if name != "_noise"} for each in learners]


@pytest.mark.parametrize("begin", BEGIN)
def test_it_comes_over_whole(begin: Begin, content: Content) -> None:
    """What another process has read and learnt is what this one would have."""
    with begin(CONTENT) as reading:
        found = reading.content()
        assert known(found) != known(content)
        for said in SAID:  # by rules and phrases at once
            heard = content.alarms.heard(normal(said), content.languages)
            assert found.alarms.heard(normal(said), content.languages) == {
                kind: mention for kind, mention in heard.items() if mention.surely
            }
        found.adopt(reading.learnt())
    assert known(found) == known(content)
    assert found.bodies == content.bodies
    assert found.menus == content.menus
    for said in SAID:
        assert found.alarms.heard(normal(said), content.languages) == content.alarms.heard(normal(said), content.languages)


@pytest.mark.parametrize("begin", BEGIN)
def test_mistakes_are_said_the_same_way(begin: Begin, tmp_path: Path) -> None:
    """Content that cannot be used is refused with every problem, as if it had been read here."""
    folder = shutil.copytree(CONTENT, tmp_path / "content")
    (folder / "en/pages/about-oms/who.md").write_text("nothing")
    with pytest.raises(ContentError) as here:
        Apart(folder).content()
    with begin(folder) as reading, pytest.raises(ContentError) as there:
        reading.content()
    assert there.value.problems == here.value.problems
    assert str(there.value) == str(here.value) != ""


@pytest.mark.parametrize("begin", BEGIN)
def test_killed_while_it_reads(begin: Begin, content: Content, others: set[int]) -> None:
    """What the other process can no longer say is read here, and has to be learnt here."""
    with begin(CONTENT) as reading:
        [process] = set(children(OURS)) - others
        os.kill(process, signal.SIGKILL)
        assert reading.content().bodies == content.bodies
        assert reading.learnt() == b""
    assert set(children(OURS)) <= others


def test_killed_while_it_learns(others: set[int]) -> None:
    """Half of what was learnt counts as nothing."""
    with Apart.forked(CONTENT) as reading:
        reading.content()
        [process] = set(children(OURS)) - others
        os.kill(process, signal.SIGKILL)
        assert reading.learnt() == b""


def test_it_ends_with_the_block(others: set[int]) -> None:
    """Who needs it no longer does not wait for it, and no process is left."""
    with Apart.forked(CONTENT):
        [process] = set(children(OURS)) - others
    assert not alive(process)
    assert set(children(OURS)) <= others


def test_it_ends_with_the_program(tmp_path: Path) -> None:
    """Of a program that is killed while it learns nothing goes on for long; of one that goes on serving, no process is left."""
    program = Program(tmp_path)
    with program.serving() as server:
        learning = children(server.process.pid)  # nobody on a machine that learns faster than it opens a database
        server.kill()
        assert all(map(ends, learning))
    with program.serving() as server:
        assert all(map(ends, children(server.process.pid)))
        assert children(server.process.pid) == []


def test_a_start_is_refused_in_words(tmp_path: Path) -> None:
    """`serve` with content that cannot be used ends with code 1, and says what `check` says; no database was made or changed."""
    folder = shutil.copytree(CONTENT, tmp_path / "content")
    (folder / "en/pages/about-oms/who.md").write_text("nothing")
    done = Program(tmp_path).run("serve", CONTENT_DIR=str(folder))
    assert Program(tmp_path).run("chat", CONTENT_DIR=str(folder)).returncode == 1
    assert list(tmp_path.rglob("*.db")) == []
    assert done.returncode == 1
    assert done.stdout == ""
    assert "content/en/pages/about-oms/who.md:1: has no front matter: begin with ---" in done.stderr
    assert "\nThe content cannot be used; `oms-bot check` shows the same.\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_start_refused_for_its_keys_changes_nothing(tmp_path: Path) -> None:
    """Keys that are none are said before a database is made or changed."""
    done = Program(tmp_path, key="no key").run("serve")
    assert done.returncode == 2
    assert "OMSBOT_DATA_KEYS" in done.stderr
    assert list(tmp_path.rglob("*.db")) == []


def test_killed_under_a_program_that_serves(tmp_path: Path) -> None:
    """The program learns by itself what the other process did not live to tell, and serves on."""
    with Program(tmp_path).serving() as server:
        for process in children(server.process.pid):
            os.kill(process, signal.SIGKILL)
            assert ends(process)
        assert "<html" in server.page()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) == 0


TOLD_WHILE_IT_FORKS = """
import os, signal, sys
from pathlib import Path
from bot.apart import Apart

signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
os.register_at_fork(before=lambda: os.kill(os.getpid(), signal.SIGTERM))
with Apart.forked(Path("nowhere")):
    print("goes on")
"""


def test_told_to_stop_while_it_forks(tmp_path: Path) -> None:
    """A signal that comes in the middle of the fork is not lost."""
    program = Program(tmp_path)
    done = subprocess.run([sys.executable, "-c", TOLD_WHILE_IT_FORKS], env=program.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


def test_ctrl_c_while_it_reads(tmp_path: Path) -> None:
    """The terminal tells both processes: the program ends without reading again what the other was reading, and without a traceback."""
    folder = shutil.copytree(CONTENT, tmp_path / "content")
    slow = folder / "en/pages/about-oms/who.md"
    text = slow.read_bytes()
    slow.unlink()
    os.mkfifo(slow)
    # Python itself may be reading a file just then, and leaves it open.
    environment = Program(tmp_path, settings={"CONTENT_DIR": str(folder)}).environment | {"PYTHONWARNINGS": "ignore::ResourceWarning"}
    command, pipe = [sys.executable, "-m", "bot", "serve"], subprocess.PIPE
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    with open(slow, "wb", buffering=0) as writing, suppress(BrokenPipeError):  # open as soon as the other process reads it
        os.killpg(process.pid, signal.SIGINT)
        writing.write(text)
    said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, *said) == (130, "", "")


def test_where_no_process_can_be_begun(tmp_path: Path, content: Content, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is read here then, and no file stays open."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    before = os.listdir("/proc/self/fd")
    with Apart.spawned(CONTENT) as reading:
        assert reading.content().bodies == content.bodies
        assert reading.learnt() == b""
    assert os.listdir("/proc/self/fd") == before


ELSEWHERE = """
import asyncio, sys
from pathlib import Path
from bot.apart import elsewhere
from bot.store.database import upgrade
from bot.store.schema import behind

file = Path(sys.argv[1])
elsewhere(lambda: 1 / 0)
print(behind(file))
elsewhere(lambda: asyncio.run(upgrade(f"sqlite+aiosqlite:///{file}")))
print(behind(file), "alembic" in sys.modules)
"""


def test_the_schema_is_made_elsewhere(tmp_path: Path) -> None:
    """What another process does for us is done when it ends, and leaves nothing in this one; what it breaks on breaks nothing here."""
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path / "made.db")]
    done = subprocess.run(command, env=Program(tmp_path).environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True\nFalse False\n", "")


def ends(process: int) -> bool:
    deadline = time.monotonic() + 120
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(process)
