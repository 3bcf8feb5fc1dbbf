"""Button ids are stable over releases: a translation or a release must not change what an old message's button does."""

from pathlib import Path

from bot.core.library import Content
from bot.core.navigation import TARGETS

PINNED = Path(__file__).with_name("callback_ids.txt")


def test_ids_of_earlier_releases_still_mean_something(content: Content) -> None:
    """Every id ever sent begins with a target there is, and names a page, question or option there is.

    Add new ones below; take none away. A page that moves keeps its old id working by leading to its menu, which is
    what the second half checks.
    """
    pinned = PINNED.read_text().split()
    pages = content.languages[content.structure.default_language].pages
    now = {f"page:{path}" for path in pages if path} | {f"sources:{path}" for path, page in pages.items() if page.sources and path}
    assert now <= set(pinned), f"add to {PINNED.name}: {sorted(now - set(pinned))}"
    for identity in pinned:
        kind, _, argument = identity.partition(":")
        assert kind in TARGETS, identity
        assert len(identity.encode()) <= 64
        if kind == "page":
            assert argument in pages or argument.rpartition("/")[0] in pages, identity
