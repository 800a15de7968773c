"""The lines of Python in the README work."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.client import Client
from tests.support.live_server import TIMEOUT, LiveServer
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text()


def usage() -> str:
    match = re.search(r"<!-- python.*?```python\n(.*?)```", README, re.DOTALL)
    assert match is not None
    return match[1]


def test_usage_fits_in_ten_lines() -> None:
    lines = [line for line in usage().splitlines() if line]
    assert lines[0].startswith("from server.client import ")
    assert len(lines) <= 10


async def play_with(name: str, server: LiveServer, play: Callable[[str], Awaitable[None]]) -> None:
    """Run the lines, with an opponent of this name who lets them move."""
    async with Client(server.url) as other, asyncio.timeout(TIMEOUT):
        await other.sign_in_as_guest(name)
        await other.watch_lobby()  # connected
        playing = asyncio.ensure_future(play(server.url))
        room = await other.rooms.quick_match("connect-four")
        while room.view is None or not room.view["columns"][3]:
            await room.until(lambda: room.is_my_turn or playing.done())
            if room.is_my_turn and not room.view["columns"][3]:  # type: ignore[index]
                await room.act({"column": 0})
        await playing


async def test_the_usage_signs_in_lists_the_lobby_and_plays_each_time_that_it_is_run(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, Any] = {}
    exec(usage(), namespace)
    for runs, name in ((1, "Kim"), (2, "Lou")):
        await play_with(name, server, namespace["play"])
        assert f"{name}: active" in capsys.readouterr().out
        players = server.still_here.registry.players.values()
        adas = [each for each in players if each.name.startswith("Ada ")]
        assert len(adas) == runs, "whoever ran it before is still signed in"
        assert all(ada.sessions[0].hold_until > server.clock.now() for ada in adas)
