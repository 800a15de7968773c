"""Fixtures for all tests."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from playwright.async_api import Browser

from server.presence.events import Event, EventStream
from server.storage.limits import Limits
from tests.support.browser import run_chromium
from tests.support.house import QUICK, House
from tests.support.invariants import Broken, Order
from tests.support.live_server import LiveServer, run_server
from tests.support.manual_clock import ManualClock

# It is not installed. httpx looks for it at every request, which is a search of the whole path: a
# fifteenth of what the tests of calls cost.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

LONGEST = (
    "end_to_end/test_play.py",
    "end_to_end/test_page_background.py",
    "end_to_end/test_time.py",
    "simulation/test_day.py",
    "transport/test_websocket.py",
    "end_to_end/test_death.py",
    "end_to_end/test_rooms_death.py",
    "end_to_end/test_departures.py",
    "end_to_end/test_hostile_peers.py",
    "end_to_end/test_simulation.py",
    "end_to_end/test_nginx.py",
    "end_to_end/test_storage_faults.py",
    "storage/sqlite/test_every_call_can_fail.py",
    "transport/test_websocket_conformance.py",
    "end_to_end/test_command.py",
    "rooms/test_rooms_against_invariants.py",
    "hostile/test_openapi.py",
    "realtime/test_room_requests.py",
    "realtime/test_endpoint.py",
)
"""Files under tests/ to begin with: the others fill up the time in which these wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process ends long after the others."""
    folder = Path(__file__).parent
    assert all((folder / name).exists() for name in LONGEST), LONGEST
    place = {folder / name: number for number, name in enumerate(LONGEST)}
    # The scenes of a module end with the first test in another kind of loop.
    items.sort(
        key=lambda item: (
            place.get(item.path, len(LONGEST)),
            "played" not in getattr(item, "fixturenames", ()),
        )
    )


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """`both_loops`: asyncio's own and the one that the `stillhere` command uses. Their timers are
    not quite alike, nor is the order in which they call back."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("both_loops") is not None:
        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture(autouse=True)
def order(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Broken]]:
    """Every stream of events that a test makes is held to its order, and no test has to ask."""
    broken: list[Broken] = []
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
    """A server with default settings on a clock that the test moves."""
    async with run_server(tmp_path / "test.db") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser, one for all of a process's tests: starting it takes longer than most of them."""
    async with run_chromium() as browser:
        yield browser


@pytest.fixture
async def open_house(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Opens the same file again and again; closes what the test leaves open."""
    opened: list[House] = []

    async def open_(clock: ManualClock | None = None, limits: Limits = QUICK) -> House:
        house = await House.open(tmp_path / "test.db", clock or ManualClock(), limits=limits)
        opened.append(house)
        return house

    yield open_
    for house in opened:
        await house.store.close()


@pytest.fixture
async def house(open_house: Callable[..., Any]) -> House:
    opened: House = await open_house()
    return opened
