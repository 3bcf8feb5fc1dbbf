"""The judge of the torture: it is content with what is right, and names every kind of harm."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from people import NOW
from torture.callers import REACHED, Answer, Caller, Step
from torture.storm import Outcome
from torture.verdict import report, verdict

from bot.store.requests import StoredRequest

ADA, BOB = "+442079460018", "+442079460099"
DATABASE: dict[str, list[tuple[object, ...]]] = {
    "integrity": [("ok",)],
    "foreign keys": [],
    "outbox": [("sent", 3)],
    "letters": [(3,)],
    "inbox": [(2,)],
    "set aside": [],
}


def stored(reference: str, phone: str) -> StoredRequest:
    due = NOW + timedelta(days=1)
    return StoredRequest(1, reference, "new", "post", "en", "call", {"phone": phone}, NOW, due, None, None, 1, due)


def seen(*texts: str) -> Caller:
    """Somebody who gives a number, sends, and reads this."""
    answers = [Answer("All right.", 0), Answer("Is this right?", 0), Answer(REACHED, 1)]
    caller = Caller("Ada", ADA, [Step(ADA), Step("Send")], answers)
    for step in caller.steps:
        caller.does(step.does)
    for text in texts:
        caller.sees(text)
    return caller


NOTED, CHECK, DONE = "All right.", "Is this right? Ada, +44 20 7946 0018", f"It {REACHED}. OMS-7K3F"


def outcome(*texts: str) -> Outcome:
    requests = [stored("OMS-7K3F", ADA)]
    return Outcome("post", 1, [seen(*(texts or (NOTED, CHECK, DONE)))], Counter(), Counter(), requests, dict(DATABASE), [(0.0, "started")])


def wrong(judged: Outcome) -> set[str]:
    return {name for name, cases in verdict(judged).items() if cases}


@pytest.mark.parametrize("texts", [(NOTED, CHECK, DONE), (NOTED, NOTED, CHECK, DONE, DONE), (NOTED, CHECK, NOTED, CHECK, DONE)])
def test_repeated_answers_are_no_harm(texts: tuple[str, ...]) -> None:
    """Answers once each, or some of them again and then on in order: nothing is wrong."""
    assert wrong(outcome(*texts)) == set()


@pytest.mark.parametrize(
    ("harm", "judged"),
    [
        ("answer never seen", outcome(NOTED, CHECK)),
        ("answer out of order", outcome(NOTED, DONE, CHECK, DONE)),
        ("answer for somebody else", outcome(NOTED, CHECK, "Is this right? Ada, +44 20 7946 0099", DONE)),
        ("answer for somebody else", outcome(NOTED, CHECK, "Is this right? Bob", DONE)),
        ("answer for somebody else", outcome(NOTED, CHECK, DONE, "Which number")),
        ("acknowledged request not there once", replace(outcome(), requests=[])),
        ("acknowledged request not there once", replace(outcome(), requests=[stored("OMS-7K3F", ADA), stored("OMS-0000", ADA)])),
        ("acknowledged request not there once", replace(outcome(), requests=[stored("OMS-0000", ADA)])),
        ("request nobody has sent", replace(outcome(), requests=[stored("OMS-7K3F", ADA), stored("OMS-0000", BOB)])),
        ("answer after all was delivered again", replace(outcome(), after_all=["Ada: 'All right.'"])),
        ("event not noted exactly once", replace(outcome(), database=DATABASE | {"inbox": [(1,)]})),
        ("answers not written exactly once", replace(outcome(), database=DATABASE | {"letters": [(4,)]})),
        ("event set aside", replace(outcome(), database=DATABASE | {"set aside": [("1", "ZeroDivisionError")]})),
        ("message unsent or given up", replace(outcome(), database=DATABASE | {"outbox": [("ready", 1)]})),
        ("message unsent or given up", replace(outcome(), database=DATABASE | {"outbox": [("dead", 1)]})),
        ("database damaged", replace(outcome(), database=DATABASE | {"integrity": [("row 1 missing from index",)]})),
        ("log of an error", replace(outcome(), said=Counter({"part_died": 1}))),
    ],
)
def test_every_harm_is_named(harm: str, judged: Outcome) -> None:
    """One thing gone wrong is found by the check that is for it, and the report shows it with what its person did and saw."""
    assert harm in wrong(judged)
    told = "\n".join(report([judged]))
    assert f"post, seed 1, {harm}: " in told


def test_an_answer_before_its_question_is_found() -> None:
    """Who reads an answer before having asked is told something that was not meant for this moment."""
    caller: Caller = seen()
    caller.done = 0
    caller.sees(NOTED)
    caller.done = 2
    assert list(caller.disordered()) == ["'All right.' before it was asked for"]
