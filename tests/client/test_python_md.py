"""docs/python.md names the public API of the client, and its loop plays."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from server.client import Client, Room, Rooms
from tests.support.live_server import TIMEOUT
from tests.support.paths import ROOT
from tests.support.process import running

PAGE = (ROOT / "docs" / "python.md").read_text()
NAMED = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", PAGE.replace("```", "")))))
"""Every word in backquotes."""

SERVERS_OWN = {"connected", "lost", "hear", "replace", "apply", "expect_whole", "close"}
"""Methods for the client's own parts. `Client.close` is public."""


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (Client, public(Client)),
        (Room, public(Room) - SERVERS_OWN),
        (Rooms, public(Rooms) - SERVERS_OWN),
    ],
)
def test_every_public_method_and_property_is_named(kind: type, named: set[str]) -> None:
    assert len(named) > 5
    assert named - NAMED == set(), kind


def test_the_samples_import_the_names_that_they_use() -> None:
    for sample in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        for name in re.findall(r"\b(?:case |as |= )?([A-Z]\w+)\(", sample):
            assert re.search(rf"^from server\.[\w.]+ import .*\b{name}\b", sample, re.MULTILINE), (
                name
            )


async def test_the_loop_of_two_bots_plays_a_match_to_its_end_without_a_refused_action(
    tmp_path: Path,
) -> None:
    match = re.search(r"<!-- loop.*?```python\n(.*?)```", PAGE, re.DOTALL)
    assert match is not None
    namespace: dict[str, Any] = {}
    exec(match[1], namespace)
    acted: list[int] = []

    def choose(view: dict[str, Any]) -> dict[str, int]:
        acted.append(view["moves"])
        return {"column": next(each for each in range(7) if len(view["columns"][each]) < 6)}

    # A process of its own: in the loop of the clients its answer and the effect arrive together.
    async with (
        running(tmp_path) as server,
        Client(server.url) as ada,
        Client(server.url) as kim,
        asyncio.timeout(2 * TIMEOUT),
    ):
        for client, name in ((ada, "Ada"), (kim, "Kim")):
            await client.sign_in_as_guest(name)
        rooms = await asyncio.gather(
            ada.rooms.quick_match("connect-four"), kim.rooms.quick_match("connect-four")
        )
        await asyncio.gather(*(namespace["play"](room, choose) for room in rooms))
        # Column by column, so that the lowest row is of one colour: four are in it with the 19th.
        assert acted == list(range(19))
        assert rooms[0].outcome == rooms[1].outcome
