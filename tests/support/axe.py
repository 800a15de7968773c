"""axe-core: whether a page is accessible, as far as a program can tell.

`scripts/test` gets it from npm. It runs in an isolated world beside the page's: no content security
policy stops it, the page does not see it, and its timers run while a test has stopped the page's
clock.
"""

import asyncio
import functools
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from playwright.async_api import CDPSession, Page

NODE_MODULES = Path(sys.prefix, "npm", "node_modules")
"""Where `scripts/test` installs packages from npm."""

_TIMEOUT = 60.0
"""Seconds to check a page. A crashed page never answers."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]

# Two rules need what `preload` would load: one that is not among these, and one for audio and
# video, which the page does not have.
_RUN = """
axe.run(document, {
  runOnly: RULES, resultTypes: ['violations'], preload: false,
}).then(({violations}) =>
  violations.flatMap(({id, impact, help, nodes}) => nodes.map((node) => ({
    rule: id, impact, help, selector: node.target.flat().join(' in '), advice: node.failureSummary,
  }))))
"""

_sessions: WeakKeyDictionary[Page, CDPSession] = WeakKeyDictionary()
"""The session with each page that was checked."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One element that violates one rule."""

    rule: str
    impact: str
    help: str
    selector: str
    advice: str

    def __str__(self) -> str:
        advice = self.advice.replace("\n", "\n    ")
        return f"{self.rule} ({self.impact}): {self.help}\n  {self.selector}\n    {advice}"


async def find_violations(page: Page) -> list[Violation]:
    """The violations in the page as it is, open dialogs included: WCAG 2.0 to 2.2, A and AA, and
    best practices. Results that need a person to decide are left out."""
    # The isolated world lives as long as the session that made it.
    browser = _sessions.get(page) or await page.context.new_cdp_session(page)
    _sessions[page] = browser
    async with asyncio.timeout(_TIMEOUT):
        return await _look(browser)


async def _look(browser: CDPSession) -> list[Violation]:
    frame = (await browser.send("Page.getFrameTree"))["frameTree"]["frame"]["id"]
    world = await browser.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})

    async def evaluate(expression: str) -> Any:
        answer = await browser.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "contextId": world["executionContextId"],
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    if not await evaluate("'axe' in globalThis"):
        await evaluate(_source())
    found = await evaluate(_RUN.replace("RULES", json.dumps(RULES)))
    return [Violation(**each) for each in found]


async def is_accessible(page: Page, exceptions: Mapping[str, str] | None = None) -> None:
    """Assert that nothing is found. `exceptions` has the reason by the rule's name; an exception
    that is no longer needed raises."""
    violations = await find_violations(page)
    excepted = exceptions or {}
    assert all(excepted.values()), "every exception has a reason"
    found = [each for each in violations if each.rule not in excepted]
    assert not found, "\n\n".join(["not everybody can use this page:", *map(str, found)])
    unused = set(excepted) - {each.rule for each in violations}
    assert not unused, f"nothing breaks these rules: {', '.join(sorted(unused))}"


@functools.cache
def _source() -> str:
    file = NODE_MODULES / "axe-core" / "axe.min.js"
    assert file.exists(), "axe-core is not there: scripts/test gets it, or leaves its tests out"
    return file.read_text()
