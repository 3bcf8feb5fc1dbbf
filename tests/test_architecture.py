"""Who may import whom (DESIGN 3), read from the source: the picture stays true because this test fails when it is not."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

BOT = Path(__file__).parents[1] / "bot"
MAX_LINES = 300

# What the modules of a part may import from the project, besides the part itself where it is a package of layers.
ALLOWED = {
    "core": ("core",),
    "content_shapes": ("core",),
    "content_problems": (),
    "content_files": ("content_shapes", "content_problems"),
    "content": ("core", "content_shapes", "content_files"),
    "content_rules": ("core", "content", "content_files", "content_problems"),
    "apart": ("content_problems", "content_rules", "core.library", "logs"),
    "memory": (),
    "channels": (
        "core",
        "channels.base",
        "channels.http",
        "channels.limits",
        "channels.parting",
        "channels.shape",
        "metrics",
        "logs",
        "shelf",
    ),
    "store": ("core.model", "core.effects", "store"),
    "outbox": ("core.model", "store", "channels.base", "ledger", "metrics", "logs"),
    "ledger": ("core.model", "store", "channels.base", "metrics", "logs"),
    "turnstile": ("core", "store", "rounds", "staff.alerts", "channels.base", "metrics", "logs", "shelf"),
    "rounds": ("core", "store", "staff.alerts", "staff.actions"),
    # The group says Unavailable, as the turnstile does; the console reads forms as everybody reads what comes from outside.
    "staff": ("core", "store", "staff", "shelf", "logs", "metrics", "channels.base", "channels.shape"),
    "upkeep": ("core.material", "core.schedule", "store", "staff.alerts", "logs", "metrics", "shelf"),
    "config": ("store.crypto",),
    "entrance": ("channels.shape", "store.outages", "logs"),
    "sole": ("store", "logs"),
    "review": ("content_problems", "core.library", "core.material"),
    "preview_scenes": ("core",),
    "preview": ("core", "preview_scenes", "channels.base", "channels.telegram_render", "channels.whatsapp_render", "channels.web_render"),
    "shelf": ("core.library",),
    "posters": ("core.library",),
    "metrics": (),
    "logs": (),
}
# These may import everything; nothing else imports them.
COMPOSITION = (
    "app",
    "server",
    "cli",
    "cli_actions",
    "cli_content",
    "cli_db",
    "cli_requests",
    "cli_setup",
    "cli_staff",
    "cli_stats",
    "parts",
    "refusals",
    "start",
    "__main__",
)
IMPURE = {
    "asyncio",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "sqlalchemy",
    "structlog",
    "logging",
    "time",
    "telegram",
    "httpx",
    "starlette",
}
MODULES = sorted(BOT.rglob("*.py"))


def name(file: Path) -> str:
    return ".".join(file.relative_to(BOT).with_suffix("").parts).removesuffix(".__init__")


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from bot.core import engine" imports the module bot.core.engine
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (each if (BOT.parent / (each.replace(".", "/") + ".py")).exists() else node.module for each in inner)


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_imports_go_one_way(file: Path) -> None:
    """A module imports only what its part may know."""
    module = name(file)
    part = module.partition(".")[0]
    if part in COMPOSITION or module == "":
        return
    own_channel = module.partition("_")[0]  # telegram_render belongs to telegram
    for imported in imports(file):
        if not imported.startswith("bot."):
            continue
        wanted = imported.removeprefix("bot.")
        fine = any(wanted == allowed or wanted.startswith(f"{allowed}.") for allowed in ALLOWED[part])
        fine = fine or (part == "channels" and wanted.startswith(own_channel))
        assert fine, f"{module} must not import {wanted}"


@pytest.mark.parametrize("file", [file for file in MODULES if name(file).startswith("core")], ids=name)
def test_the_core_is_pure(file: Path) -> None:
    """Nothing in the core can reach a disk, a network, a clock or chance."""
    assert not {imported.partition(".")[0] for imported in imports(file)} & IMPURE
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)}
    assert not calls & {"datetime.now", "date.today", "datetime.utcnow", "print", "open", "input"}


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_a_module_can_be_read_in_one_sitting(file: Path) -> None:
    """No module grows past the point where its design wants a thought, and each says what lives in it."""
    source = file.read_text()
    assert source.count("\n") <= MAX_LINES
    assert ast.get_docstring(ast.parse(source))


def test_nothing_about_the_illness_stands_in_code() -> None:
    """Another illness is another content folder."""
    words = ("opsoclonus", "myoclonus", "neuroblastoma", "rituximab", "symptoms/")
    for file in MODULES:
        code = ast.parse(file.read_text())
        for node in ast.walk(code):  # docstrings may give examples
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                node.value.value = ""
        assert not any(word in ast.unparse(code).lower() for word in words), name(file)
