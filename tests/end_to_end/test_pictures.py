"""The README's pictures, and others to judge the page by.

    STILLHERE_PICTURES=/tmp/pictures scripts/test tests/end_to_end/test_pictures.py

writes every view, by day and by night, on a desk and on a phone. `docs/pictures/lobby.png` and
`warning.png` are `readme-light-lobby.png` and `readme-light-warning.png`. Without that variable
there is nothing to do here.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from tests.support.answers import SLOT, until_status
from tests.support.browser import Browsers, open_browsers
from tests.support.live_server import LiveServer, Tab, Visitor, run_server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FOLDER = os.environ.get("STILLHERE_PICTURES")

SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    # As wide as a README is, and as high as the lobby needs.
    "readme": {"viewport": {"width": 1000, "height": 784}, "device_scale_factor": 2},
}

WARNED = "Mateusz"
AWAY = ["Ngozi", "Søren"]
ACTIVE = ["Aiyana", "Chidi", "Eleni", "João", "Leila", "Priya"]
DROPPED = "Kaito"


class Crowd:
    """Players of every status, for somebody to come in to."""

    def __init__(self, server: LiveServer) -> None:
        self._server = server
        self._tabs: dict[str, Tab] = {}

    async def enter(self, name: str, *, is_member: bool = False) -> Visitor:
        """Let one in, with a socket of their own."""
        player = await (self._server.member(name) if is_member else self._server.guest(name))
        self._tabs[name] = await player.tab()
        return player

    async def gather(self) -> None:
        """Let all of them in, long ago or just now."""
        await self.enter(WARNED)
        await self._server.advance(90)
        for name in AWAY:
            await self.enter(name)
        await self._server.advance(150 + SLOT)
        for number, name in enumerate(ACTIVE):
            await self.enter(name, is_member=number % 3 == 0)
        dropped = await self.enter(DROPPED)
        self._tabs[DROPPED].socket.transport.abort()
        await until_status(dropped, "reconnecting")

    async def touch(self, names: list[str]) -> None:
        """Have some of them do something."""
        for name in names:
            await self._tabs[name].ask("ping", "pong")


async def take_pictures(browsers: Browsers, server: LiveServer, name: str, **look: Any) -> None:
    """Go through all views and take a picture of each."""
    assert FOLDER is not None
    folder = Path(FOLDER)
    crowd = Crowd(server)
    await crowd.gather()
    ada = await browsers.window(**look)

    async def take(view: str) -> None:
        # Past every transition, and with nobody about to type.
        await ada.page.screenshot(
            path=folder / f"{name}-{view}.png", animations="disabled", caret="hide"
        )

    await ada.arrive()
    await ada.at("#name").fill("Ada")
    await take("sign-in")
    await ada.at("#name").fill("Leila")
    await ada.page.keyboard.press("Enter")
    await expect(ada.at("#sign-in-error")).not_to_be_empty()
    await take("refused")
    await ada.at("#name").fill("Ada")
    await ada.page.keyboard.press("Enter")
    await ada.is_connected()
    await ada.sees(WARNED, "warned")
    await ada.sees(DROPPED, "reconnecting")
    await take("lobby")
    await server.advance(60)
    await crowd.touch(AWAY)
    await server.advance(140)
    await crowd.touch(ACTIVE)
    await server.advance(40 + SLOT)
    await ada.is_warned()
    await expect(ada.at("#countdown")).to_have_text("0:58")
    await take("warning")
    await server.advance(60 + SLOT)
    await ada.is_signed_out("idle_timeout")
    await take("signed-out")


if FOLDER:

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("screen", SCREENS)
    async def test_pictures_are_taken(
        chromium: Browser, tmp_path: Path, screen: str, scheme: str
    ) -> None:
        async with (
            run_server(tmp_path / "test.db") as server,
            open_browsers(chromium, server) as browsers,
        ):
            look = {**SCREENS[screen], "color_scheme": scheme}
            await take_pictures(browsers, server, f"{screen}-{scheme}", **look)
