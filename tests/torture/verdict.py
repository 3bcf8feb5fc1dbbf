"""What a storm has to have left: every request once, every answer in order, nothing for the wrong person. And the figures."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from torture.callers import Caller
from torture.storm import Outcome, traced
from torture.weather import KINDS

_MAX_SHOWN = 5  # people whose trace is shown for each kind of harm


def verdict(outcome: Outcome) -> dict[str, list[str]]:
    """What is wrong, by check; every check is there, with an empty list when all is well."""
    people, found = outcome.callers, outcome.database
    by_phone: defaultdict[str, list[str]] = defaultdict(list)
    for request in outcome.requests:
        by_phone[request.answers.get("phone", "")].append(request.reference)
    senders = {caller.phone for caller in people if caller.done == len(caller.steps)}
    letters, events = sum(caller.letters for caller in people), sum(caller.done for caller in people)
    return {
        "acknowledged request not there once": _named(people, lambda c: _not_once(c, by_phone[c.phone])),
        "request nobody has sent": [str(references) for phone, references in by_phone.items() if references and phone not in senders],
        "answer never seen": _named(people, Caller.missed),
        "answer out of order": _named(people, Caller.disordered),
        "answer for somebody else": _named(people, Caller.foreign),
        "answer after all was delivered again": outcome.after_all,
        "event not noted exactly once": _differs(found["inbox"], events),
        "answers not written exactly once": _differs(found["letters"], letters),
        "event set aside": [str(row) for row in found["set aside"]],
        "message unsent or given up": [str(row) for row in found["outbox"] if row[0] in ("ready", "dead")],
        "database damaged": [str(row) for row in found["integrity"] + found["foreign keys"] if row != ("ok",)],
        "log of an error": [f"{words} ({times} times)" for words, times in outcome.said.items()],
    }


def figures(outcome: Outcome) -> dict[str, int]:
    people, counts = outcome.callers, outcome.counts
    kills = ["kills", "kills while it starts", "kills at a call or delivery"]
    names = [*kills, "starts", "deliveries", "deliveries not taken", "duplicates", "API calls", *KINDS, "slow"]
    return {
        "people": len(people),
        "of these hasty": sum(caller.hasty for caller in people),
        "steps": sum(caller.done for caller in people),
        "requests acknowledged": sum(bool(caller.references) for caller in people),
        "requests in the database": len(outcome.requests),
        **{name: counts[name] for name in names},
        "answers due": sum(len(caller.answers) for caller in people),
        "answers seen": sum(len(caller.seen) for caller in people),
        "of these repeated": sum(caller.repeated for caller in people),
    }


def report(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Lines of a table, figures first; then what is wrong, with traces."""
    columns = [figures(outcome) for outcome in outcomes]
    harms = [verdict(outcome) for outcome in outcomes]
    yield _row("", [outcome.channel for outcome in outcomes])
    for name in columns[0]:
        yield _row(name, [column[name] for column in columns])
    yield ""
    for name in harms[0]:
        yield _row(name, [len(harm[name]) for harm in harms])
    for outcome, harm in zip(outcomes, harms, strict=True):
        for name, cases in harm.items():
            for case in cases[:_MAX_SHOWN]:
                yield f"\n{outcome.channel}, seed {outcome.seed}, {name}: {case}"
                yield from next((traced(outcome, caller) for caller in outcome.callers if case.startswith(caller.name)), iter(()))


def _row(name: str, values: Iterable[object]) -> str:
    return f"{name:38}" + "".join(f"{value!s:>18}" for value in values)


def _named(people: Iterable[Caller], harm: Callable[[Caller], Iterable[str]]) -> list[str]:
    return [f"{caller.name}: {words}" for caller in people for words in harm(caller)]


def _not_once(caller: Caller, stored: list[str]) -> Iterator[str]:
    """One who was told a reference, or has sent, has exactly the request of that name."""
    if caller.done == len(caller.steps) and (len(stored) != 1 or caller.references != set(stored)):
        yield f"told {sorted(caller.references)}, stored {stored}"


def _differs(rows: list[tuple[object, ...]], due: int) -> list[str]:
    [[number]] = rows
    return [] if number == due else [f"{number} instead of {due}"]
