"""Pictures of the page, to judge them and for the README; none is taken unless `STILLHERE_PICTURES`
names a folder."""

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Page

FOLDER = os.environ.get("STILLHERE_PICTURES")
PROFILE: dict[str, Any] = {"device_scale_factor": 2 if FOLDER else 1}
"""Options of a browser for pictures, which no other test uses."""

README_WIDTH, README_HEIGHT = 1100, 880
"""CSS pixels of a picture in the README."""


async def take_picture(
    page: Page, name: str, *, is_sharp: bool = False, is_whole: bool = False
) -> None:
    """Save the window as `name`.png: with a device's pixels if `is_sharp`, and with the page below
    the window if `is_whole`."""
    if FOLDER is None:
        return
    await page.screenshot(
        path=Path(FOLDER, f"{name}.png"),
        animations="disabled",
        caret="hide",
        scale="device" if is_sharp else "css",
        full_page=is_whole,
    )


async def take_for_readme(page: Page, name: str) -> None:
    """Save the page in a window of the README's size."""
    if FOLDER is None:
        return
    usual = page.viewport_size
    assert usual is not None
    await page.mouse.move(0, 0)
    await page.evaluate("() => document.activeElement.blur()")
    await page.set_viewport_size({"width": README_WIDTH, "height": README_HEIGHT})
    await page.evaluate("() => new Promise((done) => setTimeout(done, 500))")
    await take_picture(page, f"readme-light-{name}", is_sharp=True)
    await page.set_viewport_size(usual)
