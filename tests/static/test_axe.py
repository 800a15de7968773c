"""axe-core judges whether a page is accessible; this tests that it finds violations."""

import pytest
from playwright.async_api import Page

from tests.support.axe import find_violations, is_accessible

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

GOOD = """<!doctype html><html lang="en"><title>Lobby</title>
<main><h1>Lobby</h1><p>Who is here.</p><button type="button">Stay</button></main></html>"""
PALE = GOOD.replace("<p>", '<p style="color: #ccc; background: #fff">')
BAD = PALE.replace(">Stay<", "><").replace(' lang="en"', "").replace("h1>", "h3>")
IN_DIALOG = GOOD.replace(
    "</main>",
    """</main>
    <dialog aria-label="Warning"><p style="color: #ccc; background: #fff">Soon</p></dialog>
    <script>document.querySelector('dialog').showModal()</script>""",
)


async def test_violations_are_found_and_named(blank: Page) -> None:
    await blank.set_content(BAD)
    found = {each.rule: each.selector for each in await find_violations(blank)}
    assert found == {
        "button-name": "button",
        "color-contrast": "p",
        "html-has-lang": "html",
        "page-has-heading-one": "html",
    }
    with pytest.raises(
        AssertionError, match=r"button-name \(critical\): (.|\n)*\n  button\n +Fix "
    ):
        await is_accessible(blank)


async def test_an_open_dialog_is_checked_with_the_clock_of_the_page_stopped(
    blank: Page,
) -> None:
    await blank.clock.install(time=0)
    await blank.clock.pause_at(1000)
    await blank.set_content(IN_DIALOG)
    found = {each.rule: each.selector for each in await find_violations(blank)}
    assert found == {"color-contrast": "dialog > p"}


async def test_an_exception_has_a_reason_and_an_end(blank: Page) -> None:
    await blank.set_content(PALE)
    await is_accessible(blank, {"color-contrast": "it shows what pale is"})
    with pytest.raises(AssertionError, match="every exception has a reason"):
        await is_accessible(blank, {"color-contrast": ""})
    await blank.set_content(GOOD)
    await is_accessible(blank)
    with pytest.raises(AssertionError, match="nothing breaks these rules: color-contrast"):
        await is_accessible(blank, {"color-contrast": "it shows what pale is"})
