"""Why an action of staff is refused: a key with values, said in English at a terminal and in the reader's language elsewhere."""

from collections.abc import Mapping
from typing import Literal, get_args

from bot.staff.pages import Words

Why = Literal[
    "state", "state-by", "theirs", "missing", "result", "outcome", "untried", "time", "long", "fixed", "unreachable", "nobody",
    "another", "beaten", "erased", "empty", "withdrawn", "addressless", "unwanted", "window",
]  # fmt: skip
WHYS: tuple[Why, ...] = get_args(Why)
# For terminals, in the terms of the command line. The words of pages and the group are the `refused-…` of the console's words.
SAID: Mapping[Why, str] = {
    "state": "{reference} is {state}: `{action}` is for requests that are {was}",
    "state-by": "{reference} is {state} by {who}: `{action}` is for requests that are {was}",
    "theirs": "{reference} is {who}'s: ask them, or let them release it",
    "missing": "Something is missing: {missing}",
    "result": "The result is one of {known}",
    "outcome": "The outcome is one of {known}",
    "untried": "Nobody has tried to reach the caller of {reference} yet",
    "time": "The next time must be in the future, and within a hundred years",
    "long": "Write at most {longest} letters",
    "fixed": "These cannot be corrected: {names}",
    "unreachable": "A number or an e-mail address must remain",
    "nobody": "There is no active staff member {name!r}",
    "another": "The caller of {reference} has another open request on this: go on with that one",
    "beaten": "{who} has just changed {reference} ({event}): look again",
    "erased": "{reference} has just been erased",
    "empty": "There is nothing to send",
    "withdrawn": "{reference} is withdrawn: the caller has agreed to nothing any more",
    "addressless": "The caller of {reference} has no address on {channel} any more",
    "unwanted": "The caller of {reference} wants no messages on {channel}, or has blocked us",
    "window": "The caller of {reference} has not written for too long: {channel} takes no free words any more",
}
_NAMED = ("state", "who", "event", "action", "channel", "missing")  # values the console has words for, under their own kind


class Refused(Exception):
    """The action does not fit the request as it is now, or what was given for it; the text says why at a terminal, `said` elsewhere."""

    def __init__(self, why: Why, **values: str) -> None:
        super().__init__(SAID[why].format(**values))
        self.why = why
        self.values = values


def said(refused: Refused, words: Words) -> str:
    """Why, in the language of these words."""
    values = {name: words.named(name, value) if name in _NAMED else value for name, value in refused.values.items()}
    return words(f"refused-{refused.why}", **values)
