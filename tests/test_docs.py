"""What the documents say is so."""

import re
import shutil
from pathlib import Path

import pytest
from starlette.routing import Route

from bot.channels.web import Web
from bot.config import Settings
from bot.content_rules import load
from bot.content_shapes import ExamplesFile, Facts
from bot.core.library import Content
from bot.core.wording import BODY, DESCRIPTION, TITLE
from bot.shelf import Shelf

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    """Each setting has its row in README and its line in .env.example."""
    assert f"| `OMSBOT_{name.upper()}` |" in README
    assert f"OMSBOT_{name.upper()}=" in (ROOT / ".env.example").read_text()


def test_no_setting_is_invented() -> None:
    """README and .env.example name no setting the program does not know."""
    known = {f"OMSBOT_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"OMSBOT_[A-Z_]+", README + (ROOT / ".env.example").read_text())) <= known


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "docs/api.md", "docs/content-guide.md"]
)
def test_named_files_exist(document: str) -> None:
    """Every path and link of the documents leads somewhere."""
    text = (ROOT / document).read_text()
    named = re.findall(r"`((?:bot|tests|content|docs|migrations)/[\w./-]*)`", text)
    linked = [str((ROOT / document).parent / link) for link in re.findall(r"\]\((?!https?:|tel:|mailto:)([^)#]+)\)", text)]
    for path in [*(str(ROOT / name) for name in named), *linked]:
        assert Path(path).exists() or "<" in path, path


def test_the_api_is_documented(content: Content) -> None:
    """Every address of the chat's API stands in docs/api.md."""

    async def nothing(*_: object) -> list[object]:
        return []

    web = Web(Shelf(content), nothing, nothing, str, b"")  # type: ignore[arg-type]
    paths = [route.path for route in web.routes() if isinstance(route, Route) and route.path.startswith("/chat/api")]
    documented = (ROOT / "docs" / "api.md").read_text()
    assert len(paths) == 4
    assert all(path in documented for path in paths)


def test_authors_find_every_key_and_limit() -> None:
    """The guide for authors explains each key of a page, the words of danger, every limit, and what `check` and `preview` can do."""
    guide = (ROOT / "docs/content-guide.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE))
    assert set(Facts.model_fields) | {"signs", "danger", "emergency", "crisis", "advice", "harmless", "filler"} == rows
    assert all(f"`{key}`" in guide for key in ("examples.yaml", *ExamplesFile.model_fields))
    for limit in (TITLE, DESCRIPTION, BODY):
        assert re.search(rf"\b{limit} characters", guide)
    assert {"--watch", "--review"} <= set(re.findall(r"oms-bot check (--\w+)", guide))
    assert "oms-bot preview --out" in guide


def test_the_page_of_the_guide_is_one(content: Content, tmp_path: Path) -> None:
    """The page shown to authors as an example is read without a mistake, and so is the review mark."""
    guide = (ROOT / "docs/content-guide.md").read_text()
    [page] = re.findall(r"^```\n(---\n.*?)```", guide, re.MULTILINE | re.DOTALL)
    [mark] = re.findall(r"^    (review: .+)$", guide, re.MULTILINE)
    shutil.copytree(ROOT / "content/en", tmp_path / "content/en")
    shutil.copy(ROOT / "content/structure.yaml", tmp_path / "content")
    (tmp_path / "content/en/pages/symptoms/eyes.md").write_text(page.replace("review: pending", mark))
    eyes = load(tmp_path / "content").languages["en"].pages["symptoms/eyes"]
    assert eyes.title == content.languages["en"].pages["symptoms/eyes"].title
    assert eyes.review.startswith("Dr Ada Example")


def test_a_fifth_language_begins_as_the_guide_says(tmp_path: Path) -> None:
    """A copied translation under another code is a language at once, to be translated file by file."""
    shutil.copytree(ROOT / "content", tmp_path / "content")
    shutil.copytree(ROOT / "content/de", tmp_path / "content/tr")
    assert "tr" in load(tmp_path / "content").languages


def test_make_targets_exist() -> None:
    """The commands README offers are targets of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_locks_name_no_address() -> None:
    """The lock files hold names, versions and hashes, and no address of a registry."""
    for lock in ROOT.glob("requirements*.lock"):
        assert "://" not in lock.read_text()
