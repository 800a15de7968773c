"""The lines of Python in the README do what they say."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from server.client import Client
from tests.support.live_server import PATIENCE, LiveServer

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def usage() -> str:
    match = re.search(r"<!-- python.*?```python\n(.*?)```", README, re.DOTALL)
    assert match is not None
    return match[1]


def test_usage_fits_in_ten_lines() -> None:
    lines = [line for line in usage().splitlines() if line]
    assert lines[0].startswith("from server.client import ")
    assert len(lines) <= 10


async def test_the_usage_signs_in_sees_who_is_here_finds_a_match_and_moves(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, Any] = {}
    exec(usage(), namespace)
    play: Callable[[str], Awaitable[None]] = namespace["play"]
    async with Client(server.url) as kim, asyncio.timeout(PATIENCE):
        await kim.sign_in_as_guest("Kim")
        await kim.watch_lobby()
        playing = asyncio.ensure_future(play(server.url))
        await kim.until(lambda: len(kim.roster.players) == 2)
        room = await kim.rooms.quick_match("connect-four")
        while room.view is None or not room.view["columns"][3]:
            await room.until(lambda: room.is_my_turn or playing.done())
            if room.is_my_turn and not room.view["columns"][3]:  # type: ignore[index]
                await room.act({"column": 0})
        await playing
    assert "Kim: active" in capsys.readouterr().out
    (ada,) = [each for each in server.still_here.registry.players.values() if each.name == "Ada"]
    assert ada.sessions[0].hold_until > server.clock.now()
