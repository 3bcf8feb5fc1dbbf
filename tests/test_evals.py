"""How evals measure what it takes to understand somebody."""

import time

from bot.core.library import Content
from evals.__main__ import Speed, measured, taken


def test_waiting_costs_nothing() -> None:
    """What other programs do meanwhile is not counted: only processor time is."""
    assert taken(lambda: time.sleep(0.2)) < 100


def test_a_query_is_measured_beside_its_turn(content: Content) -> None:
    """Each message has its figure, for reading it and for the whole turn."""
    its = Speed()
    texts = ["what is oms", "asdfgh", "he cannot breathe"]
    its.run(content, "en", texts)
    assert list(its.query) == list(its.turn) == texts
    assert min(*its.query.values(), *its.turn.values()) > 0


def test_the_best_of_several_runs_counts(content: Content) -> None:
    """A run on a busy machine makes no figure worse, and one on an idle machine can only better it."""
    its = Speed(query={"what is oms": 0.0, "sleep": 10_000.0})
    its.run(content, "en", ["what is oms", "sleep"])
    assert its.query["what is oms"] == 0
    assert its.query["sleep"] < 10_000


def test_every_set_of_questions_is_measured(content: Content) -> None:
    """Those written first and those held out, each with all its messages."""
    sets = measured(content, ["en"], runs=1)
    assert [(language, name) for language, name, _ in sets] == [("en", "written first"), ("en", "held out")]
    assert all(len(its.query) > 100 for _, _, its in sets)
