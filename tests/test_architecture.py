"""The layers of the server: imports point down only, and two on one row never import each other.

A test checks all files and names those that break its rule: a test for each would be hundreds.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from server.presence.session import Player, Session
from server.rooms.chat import Chat
from server.rooms.match import Match
from server.rooms.reading import ReadableChat, ReadableMatch, ReadableRoom, ReadableSeat
from server.rooms.room import Room
from server.rooms.seat import SeatState
from tests.support.paths import ROOT

SERVER = ROOT / "server"

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
    {"ratings", "bots"},
    {"accounts", "rooms"},
    {"games", "presence"},
    {"budget"},
    {"base"},
]
ROW = {name: number for number, row in enumerate(ROWS) for name in row}
SAME_ROW_ALLOWED = {("__main__", "app")}

ASKS_THE_MACHINE = {"time", "datetime", "random", "secrets"}
MAY_ASK = {
    "base/clock.py": {"time"},
    "base/ids.py": {"secrets"},
    "wire/views.py": {"datetime"},  # to format an instant, not to read a clock
    "accounts/tokens.py": {"secrets"},
    "accounts/keys.py": {"secrets"},
    "client/backoff.py": {"random"},  # so that clients do not reconnect in step
    # To know when its time is up, and for dice: not those of the match, which the moves replay.
    "bots/worker.py": {"time", "secrets"},
    "games/game.py": {"random"},  # seeded dice: the same for the same step of the same match
}
"""Only the clock reads the time; random numbers are for ids and secrets."""

MODULES = sorted(SERVER.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(SERVER).with_suffix("").parts[0]


def name_of(path: Path) -> str:
    return path.relative_to(SERVER).as_posix()


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a file."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@cache
def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, by its full name."""
    names: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_part_of_the_server_has_its_row() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__"} <= set(ROW)


def test_imports_point_down_only() -> None:
    upwards = []
    for path in MODULES:
        here = part_of(path)
        for name in imports_of(path):
            parts = name.split(".")
            if parts[0] != "server" or here == "__init__" or parts[1] not in ROW:
                continue
            is_down = ROW[here] < ROW[parts[1]] or parts[1] == here
            if not is_down and (here, parts[1]) not in SAME_ROW_ALLOWED:
                upwards.append(f"{name_of(path)} imports {name}")
    assert upwards == []


def test_the_client_imports_what_clients_see_and_the_server_does_not_import_it() -> None:
    seen = (
        "server.wire.",
        "server.base.decoding",
        "server.base.ids",
        "server.base.schemes",
        "server.presence.status",
        "server.client",
    )
    for path in MODULES:
        ours = {name for name in imports_of(path) if name.startswith("server.")}
        if part_of(path) == "client":
            assert all(name.startswith(seen) for name in ours), path
        else:
            assert not any(name.startswith("server.client") for name in ours), path


def test_the_log_quotes_peers_so_that_they_cannot_forge_a_line() -> None:
    """With `printable`, not with `excerpt`, which is for answers."""
    for path in MODULES:
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("_log."):
                assert "excerpt(" not in ast.unparse(node), f"{path}:{node.lineno}"


def test_only_the_clock_reads_the_time_of_the_machine() -> None:
    asked = {
        name_of(path): {name.split(".")[0] for name in imports_of(path)} & ASKS_THE_MACHINE
        for path in MODULES
    }
    assert {
        here: what for here, what in asked.items() if not what <= MAY_ASK.get(here, set())
    } == {}


def test_the_tests_that_the_code_names_exist() -> None:
    named = {
        (name_of(path), name)
        for path in MODULES
        for name in re.findall(r"`(tests/[\w/]+\.py)\b", path.read_text())
    }
    assert named
    assert [each for each in sorted(named) if not (ROOT / each[1]).exists()] == []


LOGGERS_OF_THEIR_OWN = {"observe/audit.py": "stillhere.audit"}  # a log of its own


def test_each_part_logs_under_its_name() -> None:
    for path in MODULES:
        part = "" if path.parent == SERVER else f".{part_of(path)}"
        expected = LOGGERS_OF_THEIR_OWN.get(name_of(path), f"stillhere{part}")
        named = re.findall(r'^\w+ = logging\.getLogger\("(.*)"\)', path.read_text(), re.MULTILINE)
        assert set(named) <= {expected}, path


ENGINES = {"sqlite3", "aiosqlite", "server.storage.sqlite"}
MAY_NAME_AN_ENGINE = {
    "app.py": {"server.storage.sqlite.engine.SqliteEngine"},  # created here
    "limits.py": {"server.storage.sqlite.limits.SqliteLimits"},
}

IS_SQL = re.compile(
    r"\b(SELECT .+ FROM|INSERT INTO|UPDATE .+ SET|DELETE FROM|PRAGMA|CREATE TABLE)\b", re.DOTALL
).search


def test_only_the_sqlite_folder_names_sqlite() -> None:
    others = [path for path in MODULES if not path.is_relative_to(SERVER / "storage" / "sqlite")]
    assert others
    for path in others:
        named = {
            name
            for name in imports_of(path)
            if any(name == engine or name.startswith(f"{engine}.") for engine in ENGINES)
        }
        assert named <= MAY_NAME_AN_ENGINE.get(name_of(path), set()), path
        texts = (
            node.value
            for node in nodes_of(path)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        assert [text for text in texts if IS_SQL(text)] == [], path


CORE = [
    path
    for part in ("budget", "presence", "games", "rooms")
    for path in (SERVER / part).glob("*.py")
]
MAY_BESIDES = {
    # Games are files beside it, and packages.
    "games/catalogue.py": {"importlib", "inspect", "logging", "pathlib", "pkgutil"},
    "games/game.py": {"random"},
    "games/trivia_round.py": {"pathlib"},  # the questions are a file
    "rooms/findable.py": {"bisect"},
    "rooms/play.py": {"logging"},  # for the traceback of a failing game
}

HAS_A_CLOCK = {
    "presence/service.py",
    "rooms/service.py",
    "rooms/document.py",  # to write instants as wall time, not to read it
}


def test_the_core_is_pure() -> None:
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
    assert CORE
    for path in CORE:
        here = name_of(path)
        imported = imports_of(path)
        tops = {name.split(".")[0] for name in imported}
        assert tops <= allowed | MAY_BESIDES.get(here, set()), here
        asks = any(name.startswith("server.base.clock") for name in imported)
        assert here in HAS_A_CLOCK or not asks, here
        assert not any(
            isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in nodes_of(path)
        ), here


LONGEST_FILE = 500
LONGEST_PART_OF_STILLHERE = 399
SOURCES = [
    path
    for folder in (SERVER, SERVER.parent / "static")
    for path in sorted(folder.rglob("*"))
    if path.suffix in {".py", ".js", ".ts", ".css", ".html"}
]


def test_the_storage_has_no_live_session_or_registry() -> None:
    live = {
        "server.presence.registry.Registry",
        "server.presence.session.Session",
        "server.presence.session.Player",
    }
    storage = [path for path in MODULES if part_of(path) == "storage"]
    assert storage
    assert {
        name_of(path): imports_of(path) & live for path in storage if imports_of(path) & live
    } == {}


def test_only_the_service_can_change_rooms() -> None:
    """The others have `ReadableRooms`, a type without methods that change them."""
    changeable = {
        "server.rooms.rooms.Rooms": "app.py",  # creates them, for the service
        "server.rooms.room.Room": "restart.py",  # restores them
        "server.rooms.match.Match": "",
        "server.rooms.seat.SeatState": "",
    }
    named = [
        (name_of(path), name)
        for path in MODULES
        if part_of(path) != "rooms"
        for name in imports_of(path) & set(changeable)
    ]
    assert sorted(named) == sorted((may, name) for name, may in changeable.items() if may)
    service = ast.parse((SERVER / "rooms" / "service.py").read_text())
    public = [
        node.returns.id
        for node in ast.walk(service)
        if isinstance(node, ast.FunctionDef) and isinstance(node.returns, ast.Name)
    ]
    assert "ReadableRooms" in public
    assert "Rooms" not in public


@pytest.mark.parametrize(
    ("readable", "kind"),
    [(ReadableRoom, Room), (ReadableMatch, Match), (ReadableSeat, SeatState), (ReadableChat, Chat)],
)
def test_no_method_for_readers_of_rooms_changes_a_room(readable: type, kind: type) -> None:
    names = [name for name in vars(readable) if not name.startswith("_")]
    assert names
    for name in names:
        member = getattr(kind, name, None)
        code = getattr(member, "fget", member)
        if not inspect.isfunction(code):
            continue  # an attribute
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(code)))):
            assert not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load), name
            assert "mark" not in ast.unparse(node).split("."), name


def longer_than(lines: int, paths: Iterable[Path]) -> set[Path]:
    return {path for path in paths if len(path.read_text().splitlines()) > lines}


def test_no_file_is_longer_than_the_limit() -> None:
    assert longer_than(LONGEST_FILE, SOURCES) == set()


def test_no_part_of_stillhere_js_is_longer_than_its_limit() -> None:
    static = SERVER.parent / "static"
    parts = [static / "stillhere.js", *sorted((static / "stillhere").rglob("*.js"))]
    assert len(parts) > 10
    assert longer_than(LONGEST_PART_OF_STILLHERE, parts) == set()


WRITERS: dict[type, str] = {
    Session: "presence/registry.py",
    Player: "presence/registry.py",
    Room: "rooms/room.py",
    SeatState: "rooms/seat.py",
    Match: "rooms/match.py",
}
"""The modules, besides their own, that write attributes of these classes."""

HAS_NONE_OF_THESE = {"client", "base"}
"""Parts with attributes of their own under these names."""


def writers_of(attribute: str) -> set[str]:
    """The modules that may write an attribute of this name."""
    modules: set[str] = set()
    for kind, writer in WRITERS.items():
        if attribute in kind.__slots__:  # type: ignore[attr-defined]
            home = kind.__module__.removeprefix("server.").replace(".", "/")
            modules |= {writer, f"{home}.py"}
    return modules


def test_only_their_owners_write_sessions_players_rooms_seats_and_matches() -> None:
    strange = []
    for path in MODULES:
        if part_of(path) in HAS_NONE_OF_THESE:
            continue
        for node in nodes_of(path):
            if not isinstance(node, ast.Attribute) or isinstance(node.ctx, ast.Load):
                continue
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                continue
            writers = writers_of(node.attr)
            if writers and name_of(path) not in writers:
                strange.append(f"{name_of(path)}:{node.lineno} writes {ast.unparse(node)}")
    assert strange == []


def test_only_sessions_end_a_session_on_request() -> None:
    """`Sessions.end` and `Sessions.open` make the end durable before it is sent."""
    ends = {
        name_of(path)
        for path in MODULES
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and re.search(r"presence\.end$", ast.unparse(node.func))
    }
    assert ends == {"accounts/sessions.py"}


def test_timeouts_use_within() -> None:
    """asyncio's own timeouts also end a wait during which this process stood still. In a client
    that is right: it waits for the network, and reconnects by itself."""
    bounds_a_wait = re.compile(
        r"\basyncio\.(timeout|timeout_at|wait_for)\(|\basyncio\.wait\(.*timeout"
    )
    own = {
        name_of(path)
        for path in MODULES
        if part_of(path) != "client"
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and bounds_a_wait.search(ast.unparse(node))
    }
    assert own == {"base/waiting.py"}
