"""Screens of players, which a page in Chromium can be shown on."""

from dataclasses import dataclass
from typing import Literal

from playwright.async_api import CDPSession, Page


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen and the preferences of its user; sizes in CSS pixels."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    is_phone: bool = False
    is_calm: bool = False
    is_sharp: bool = False

    async def show(self, page: Page, browser: CDPSession) -> None:
        """Apply this screen to the page."""
        await page.set_viewport_size({"width": self.width, "height": self.height})
        await page.emulate_media(
            color_scheme=self.scheme, reduced_motion="reduce" if self.is_calm else "no-preference"
        )
        # Playwright sets these only for a whole profile.
        await browser.send(
            "Emulation.setDeviceMetricsOverride",
            {
                "width": self.width,
                "height": self.height,
                "deviceScaleFactor": 0,  # unchanged
                "mobile": self.is_phone,
            },
        )
        await browser.send("Emulation.setTouchEmulationEnabled", {"enabled": self.is_phone})
