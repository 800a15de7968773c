"""Fixtures for all tests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser

from server.presence.events import Event, EventStream
from server.storage.limits import Limits
from tests.support.answers import Bystanders
from tests.support.browser import Browsers, open_browsers, run_chromium
from tests.support.invariants import InvariantViolated, Order
from tests.support.live_server import LiveServer, run_server
from tests.support.manual_clock import ManualClock
from tests.support.page_server import run_page_server
from tests.support.storage_rig import QUICK, Opener, StorageRig

pytest_plugins = "tests.support.watchdog"

# Not installed. httpx searches the whole path for it at every request, a fifteenth of the time of
# the tests of calls.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

# Examples may take any time to generate and to try.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

FIRST = (
    "end_to_end/test_time.py",
    "end_to_end/test_page.py",
    "end_to_end/test_page_states.py",
    "end_to_end/test_page_lobby.py",
    "simulation/test_day.py",
    "end_to_end/test_page_account.py",
    "transport/test_websocket.py",
    "static/test_rooms_page.py",
    "static/test_activity.py",
    "end_to_end/test_page_warning.py",
    "transport/test_websocket_conformance.py",
    "end_to_end/test_page_background.py",
    "hostile/test_openapi.py",
    "games/test_conformance.py",
    "storage/sqlite/test_every_call_can_fail.py",
    "end_to_end/test_death.py",
    "realtime/topics/test_lobby_topic.py",
    "realtime/test_room_requests.py",
    "realtime/test_endpoint.py",
    "end_to_end/test_play.py",
    "rooms/test_rooms_against_invariants.py",
    "games/test_snake_arena.py",
    "static/test_types.py",
    "static/test_axe.py",
    "static/test_stillhere.py",
    "static/test_rooms.py",
    "transport/test_http.py",
    "static/test_with_server.py",
    "static/test_connection.py",
    "static/test_roster.py",
    "end_to_end/test_nginx.py",
    "static/test_languages.py",
    "end_to_end/test_page_load.py",
    "static/test_readme_usage.py",
    "realtime/topics/test_room.py",
    "transport/test_framing.py",
    "end_to_end/test_hostile_peers.py",
    "hostile/test_fuzz.py",
    "hostile/test_guessing.py",
    "hostile/test_headers.py",
    "accounts/test_passwords.py",
    "hostile/test_origins.py",
    "end_to_end/test_simulation.py",
    "storage/sqlite/test_database.py",
    "hostile/test_sessions.py",
    "hostile/test_sizes.py",
    "hostile/test_writing.py",
    "end_to_end/test_rooms_death.py",
    "wire/test_messages.py",
    "wire/test_credentials.py",
    "web/test_guards.py",
    "web/test_bodies.py",
    "end_to_end/test_storage_faults.py",
    "end_to_end/test_command.py",
    "end_to_end/test_departures.py",
    "end_to_end/test_packaged_game.py",
)
"""Files under tests/, in the order in which they begin. The slowest come first, so that all
processes end at about the same time; files that wait for real clocks and processes come one after
the other, so that one process waits while two compute. All other files follow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    assert all((folder / name).exists() for name in FIRST), FIRST
    place = {folder / name: number for number, name in enumerate(FIRST)}
    # The scenes of a module end with the first test in another kind of loop.
    items.sort(
        key=lambda item: (
            place.get(item.path, len(FIRST)),
            "run_scene" not in getattr(item, "fixturenames", ()),
        )
    )


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """`both_loops`: asyncio's own and the one that the `stillhere` command uses. Their timers
    differ slightly, and so does their order of callbacks."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("both_loops") is not None:
        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture(autouse=True)
def order(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[InvariantViolated]]:
    """Check the order of every stream of events, in all tests."""
    broken: list[InvariantViolated] = []
    make = EventStream.__init__

    def make_and_watch(self: EventStream, on_error: Callable[[Exception, Event], None]) -> None:
        make(self, on_error)
        self.subscribe(Order(broken.append).hear)

    monkeypatch.setattr(EventStream, "__init__", make_and_watch)
    yield broken
    if broken:
        raise broken[0]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """A server with default settings, on a clock that the test moves."""
    async with run_server(tmp_path / "test.db") as running:
        yield running


@pytest.fixture
async def bystanders(
    server: LiveServer, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Bystanders]:
    """Connections that a test must not disturb."""
    gathered = await Bystanders.gather(server, caplog)
    yield gathered
    await gathered.noticed_nothing()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser, one for all tests of a process: starting it takes longer than most of them."""
    async with run_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def lobby(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """Like `server`, in the loop of the browser."""
    async with run_page_server(tmp_path / "test.db") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(chromium: Browser, lobby: LiveServer) -> AsyncIterator[Browsers]:
    """Browsers of players of this server."""
    async with open_browsers(chromium, lobby) as browsers:
        yield browsers


@pytest.fixture
async def open_rig(tmp_path: Path) -> AsyncIterator[Opener]:
    """Return a function that opens the same file repeatedly; close what the test leaves open."""
    opened: list[StorageRig] = []

    async def open_(clock: ManualClock | None = None, limits: Limits = QUICK) -> StorageRig:
        rig = await StorageRig.open(tmp_path / "test.db", clock or ManualClock(), limits=limits)
        opened.append(rig)
        return rig

    yield open_
    for rig in opened:
        await rig.store.close()


@pytest.fixture
async def rig(open_rig: Opener) -> StorageRig:
    return await open_rig()
