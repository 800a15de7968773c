"""An installed package's game is played with its own words, picture and style: the README's
example."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from tests.support.browser import Browsers, Window
from tests.support.live_server import LiveServer, run_server
from tests.support.paths import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

README = ROOT / "README.md"
NAME = "packaged-hands"
"""In place of the README's name: a game of the server's own folder would win."""
TITLE = "Rock, paper, scissors"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create what an installer would create."""
    text = README.read_text()
    rules = re.search(r"<!-- game: .*?```python\n(.*?)```", text, re.DOTALL)
    part = re.search(r"<!-- part: .*?```javascript\n(.*?)```", text, re.DOTALL)
    style = re.search(r"<!-- style: .*?```css\n(.*?)```", text, re.DOTALL)
    assert rules is not None
    assert part is not None
    assert style is not None
    folder = tmp_path / "site" / "readme_package"
    (folder / NAME).mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "rules.py").write_text(rules[1].replace("rock-paper-scissors", NAME))
    (folder / NAME / "part.js").write_text(part[1])
    (folder / NAME / "style.css").write_text(style[1])
    about = tmp_path / "site" / "readme_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: readme-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        f"[stillhere.games]\n{NAME} = readme_package.rules:RockPaperScissors\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")


@pytest_asyncio.fixture(loop_scope="session")
async def lobby(package: None, tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with run_server(tmp_path / "test.db") as running:
        yield running


async def test_a_packaged_game_brings_its_rules_words_picture_and_style(
    browsers: Browsers, lobby: LiveServer
) -> None:
    kim = await (await lobby.guest("Kim")).tab()
    ada = await browsers.guest("Ada")
    tile = ada.at(f".game-tile[data-game={NAME}]")
    await expect(tile.locator(".game-title")).to_have_text(TITLE)
    await expect(tile.locator(".game-rules")).to_have_text(
        "Show a hand. Paper beats rock, rock beats scissors, scissors beat paper."
    )
    await expect(tile.locator("use")).to_have_attribute("href", f"#game-{NAME}")
    await expect(ada.at(f"#shapes #game-{NAME} circle")).to_have_count(1)
    await tile.click()
    await expect(ada.at("#queue")).to_be_visible()
    room = (await kim.ask("quick_match", "matched", game=NAME))["room"]
    await kim.ask("join", "room", room=room)
    await expect(ada.at("#room-title")).to_have_text(TITLE)
    await expect(ada.at(".hands")).to_contain_text("Show a hand:")
    await expect(ada.at(".hands")).to_have_css("column-gap", "12px")
    await ada.at("#room-more").click()
    await ada.at("#language").select_option("es")
    await expect(ada.at("#room-title")).to_have_text("Piedra, papel o tijera")
    # A key that is held since it answered the warning, say, shows no hand.
    await ada.page.evaluate("() => document.activeElement.blur()")
    await ada.page.keyboard.down("Enter")
    await hand(ada, "Paper").focus()
    await ada.page.keyboard.down("Enter")  # without an `up` between: auto-repeat
    await ada.page.keyboard.up("Enter")
    await hand(ada, "Rock").click()  # a text that exists only in English
    await expect(ada.at(".hands")).to_have_text("You show Rock.")
    await ada.at("#room-more").click()
    await ada.at("#language").select_option("en")
    await kim.send("act", room=room, action={"hand": "paper"})
    await expect(ada.at("[data-banner^=outcome]")).to_contain_text("Kim wins")
    await expect(ada.at(".hands")).to_contain_text("Paper")
    await expect(ada.at(".hands")).to_contain_text("Rock")
    await expect(ada.at(".hands")).to_contain_text(" against ")


def hand(window: Window, name: str) -> Locator:
    return window.at(".hands").get_by_role("button", name=name)
