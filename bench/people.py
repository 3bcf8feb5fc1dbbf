"""The people who talk to the bot: a script they follow, and what each of them sees."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import orjson

_SCENARIOS = Path(__file__).parent / "scenarios"

Button = tuple[str, str]  # what it says, what pressing it sends


@dataclass(frozen=True, slots=True)
class Step:
    """What a person does: types (`text`) or presses the first button that matches; done when an answer matches `expect`."""

    text: str
    button: re.Pattern[str] | None
    expect: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Scenario:
    first: tuple[Step, ...]  # once for each person
    steps: tuple[Step, ...]  # again and again
    fresh: bool  # every conversation is another person's


@dataclass(slots=True)
class Person:
    id: int
    script: tuple[Step, ...]
    at: int = 0  # in the script
    asked: float = 0.0  # seconds of the monotonic clock: when they did the step they wait in
    waiting: bool = False
    message: int = 1  # the last message they saw
    seen: str = ""
    buttons: list[Button] = field(default_factory=list)
    keyboard: bytes = b""  # as the platform shows it to the bot again

    @property
    def step(self) -> Step:
        return self.script[self.at]

    def find(self, wanted: re.Pattern[str]) -> str | None:
        """What the first button sends that says this."""
        return next((sends for says, sends in self.buttons if wanted.search(says)), None)


def scenario(name: str) -> Scenario:
    read = orjson.loads((_SCENARIOS / f"{name}.json").read_bytes())
    return Scenario(_steps(read.get("first", ())), _steps(read["steps"]), bool(read.get("fresh")))


def _steps(written: Iterable[dict[str, str]]) -> tuple[Step, ...]:
    return tuple(
        Step(step.get("text", ""), re.compile(step["button"]) if "button" in step else None, re.compile(step.get("expect", ""), re.DOTALL))
        for step in written
    )
