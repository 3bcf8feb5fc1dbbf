"""The specification of the dialogue: conversations/*.txt, which anybody can read and correct.

`REWRITE_CONVERSATIONS=1 .venv/bin/pytest tests/test_conversations.py` writes down what the bot says now; read the difference.
"""

import os
from pathlib import Path

import pytest
from transcript import WrongLine, replay

from bot.core.library import Content

FILES = sorted((Path(__file__).parent / "conversations").glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_bot_says_what_the_transcript_says(file: Path, content: Content) -> None:
    """Every line of a transcript is what the bot says today, the session having gone through JSON between turns."""
    written = file.read_text(encoding="utf-8")
    said = replay(written, content)
    if os.environ.get("REWRITE_CONVERSATIONS"):
        file.write_text(said, encoding="utf-8")
    else:
        assert said == written


def test_there_are_transcripts() -> None:
    """The folder is found: a wrong path would make the specification empty and green."""
    assert len(FILES) >= 14


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("> /start\n> [Symptom]", r"line 2: there is no button \[Symptom\]; there are \[Emergency signs\]"),
        ("> (sends a pigeon)", r"line 1: \(sends a pigeon\): unknown; \(sends a photo\)"),
        ("> (staff claim the request)", "there is no open request"),
    ],
)
def test_a_line_that_cannot_be_played_says_why(lines: str, complaint: str, content: Content) -> None:
    """Whoever corrects a transcript learns from the message what could stand there instead."""
    with pytest.raises(WrongLine, match=complaint):
        replay(lines, content)
