"""The layers of the server: imports point down only, and two on one row never import each other."""

import ast
import re
from pathlib import Path

import pytest

from server.rooms.room import Room
from server.rooms.seat import SeatState

SERVER = Path(__file__).resolve().parent.parent / "server"

ROWS = [
    {"__main__", "app"},
    {"limits"},
    {"restart"},
    {"web"},
    {"observe"},
    {"realtime"},
    {"transport", "client"},
    {"wire"},
    {"storage", "settings"},
    {"accounts", "rooms"},
    {"games", "presence"},
    {"base"},
]
ROW = {name: number for number, row in enumerate(ROWS) for name in row}
SAME_ROW_ALLOWED = {("__main__", "app")}

ASKS_THE_MACHINE = {"time", "datetime", "random", "secrets"}
MAY_ASK = {
    "base/clock.py": {"time"},
    "base/ids.py": {"secrets"},
    "wire/views.py": {"datetime"},  # to format an instant, not to ask for one
    "accounts/tokens.py": {"secrets"},
    "accounts/keys.py": {"secrets"},
    "client/backoff.py": {"random"},  # so that clients do not come back in step
    "games/game.py": {"random"},  # seeded dice: the same for the same step of the same match
}
"""Only the clock asks what time it is; chance is for ids and secrets."""

MODULES = sorted(SERVER.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(SERVER).with_suffix("").parts[0]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, by its full name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_part_of_the_server_has_its_row() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__"} <= set(ROW)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SERVER)))
def test_arrows_point_down_only(path: Path) -> None:
    here = part_of(path)
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "server" or here == "__init__" or parts[1] not in ROW or parts[1] == here:
            continue
        assert ROW[here] < ROW[parts[1]] or (here, parts[1]) in SAME_ROW_ALLOWED, (
            f"{path.relative_to(SERVER)} imports {name}"
        )


def test_the_client_knows_what_a_client_sees_and_nothing_of_the_server_knows_the_client() -> None:
    seen = ("server.wire.", "server.base.ids", "server.presence.status", "server.client")
    for path in MODULES:
        ours = {name for name in imports_of(path) if name.startswith("server.")}
        if part_of(path) == "client":
            assert all(name.startswith(seen) for name in ours), path
        else:
            assert not any(name.startswith("server.client") for name in ours), path


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SERVER)))
def test_only_the_clock_asks_the_machine(path: Path) -> None:
    asked = {name.split(".")[0] for name in imports_of(path)} & ASKS_THE_MACHINE
    assert asked <= MAY_ASK.get(path.relative_to(SERVER).as_posix(), set())


ENGINES = {"sqlite3", "aiosqlite", "server.storage.sqlite"}
MAY_NAME_AN_ENGINE = {
    "app.py": {"server.storage.sqlite.engine.SqliteEngine"},  # where it is made
    "limits.py": {"server.storage.sqlite.limits.SqliteLimits"},
}

IS_SQL = re.compile(
    r"\b(SELECT .+ FROM|INSERT INTO|UPDATE .+ SET|DELETE FROM|PRAGMA|CREATE TABLE)\b", re.DOTALL
).search


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if not path.is_relative_to(SERVER / "storage" / "sqlite")],
    ids=lambda path: str(path.relative_to(SERVER)),
)
def test_only_its_folder_knows_sqlite(path: Path) -> None:
    named = {
        name
        for name in imports_of(path)
        if any(name == engine or name.startswith(f"{engine}.") for engine in ENGINES)
    }
    assert named <= MAY_NAME_AN_ENGINE.get(path.relative_to(SERVER).as_posix(), set())
    texts = (
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    assert [text for text in texts if IS_SQL(text)] == []


CORE = [path for part in ("presence", "games", "rooms") for path in (SERVER / part).glob("*.py")]
MAY_BESIDES = {
    # Games are files beside it, and packages.
    "games/catalogue.py": {"importlib", "inspect", "logging", "pathlib", "pkgutil"},
    "games/game.py": {"random"},
    "games/trivia_round.py": {"pathlib"},  # the questions are a file
    "rooms/play.py": {"logging"},  # of a game that fails, where it happens
}

HAS_A_CLOCK = {
    "presence/service.py",
    "rooms/service.py",
    "rooms/document.py",  # to write instants as wall time, not to ask for one
}


@pytest.mark.parametrize("path", sorted(CORE), ids=lambda path: str(path.relative_to(SERVER)))
def test_the_core_is_pure(path: Path) -> None:
    allowed = {
        "collections",
        "dataclasses",
        "enum",
        "itertools",
        "math",
        "contextlib",
        "re",
        "types",
        "typing",
        "msgspec",
        "server",
    }
    here = path.relative_to(SERVER).as_posix()
    imported = imports_of(path)
    assert {name.split(".")[0] for name in imported} <= allowed | MAY_BESIDES.get(here, set())
    assert here in HAS_A_CLOCK or not any(name.startswith("server.base.clock") for name in imported)
    source = ast.parse(path.read_text())
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(source))


LONGEST_FILE = 500
SOURCES = [
    path
    for folder in (SERVER, SERVER.parent / "static")
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".py", ".js", ".ts", ".css", ".html"} and path.parent.name != "languages"
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SERVER.parent)))
def test_no_file_is_too_long_to_be_read_at_once(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize(
    "path", sorted((SERVER / "rooms").glob("*.py")), ids=lambda path: path.name
)
def test_only_the_methods_of_rooms_and_seats_write_them(path: Path) -> None:
    written = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and not (isinstance(node.value, ast.Name) and node.value.id == "self")
    }
    assert not written & {*Room.__slots__, *SeatState.__slots__}
