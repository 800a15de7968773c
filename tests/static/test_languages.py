"""What the page says, in each of its languages: whole, used, with the same places for values."""

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from server.presence.status import ENDINGS, Reason, Status
from server.web.pages import static_folder
from tests.support.live_server import run_server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OTHERS = ["zh", "es"]

Words = dict[str, Any]

COMPOSED = {
    "connection.": ["connecting", "open", "reconnecting", "closed", "no_network"],
    "status.": [*Status, "away_for"],
    "signed_out.": [*sorted(ENDINGS), "not_signed_in", "other"],
    "history.": [*(reason for reason in Reason)],
    "rule.": [
        "name_empty",
        "name_too_long",
        "name_character",
        "name_marks",
        "name_invisible",
        "password_empty",
        "password_too_short",
        "password_too_long",
        "password_is_name",
        "password_is_server",
        "password_common",
    ],
    "problem.": [
        "name_taken",
        "bad_credentials",
        "too_many_attempts",
        "too_busy",
        "storage_unavailable",
        "too_large",
        "cross_origin",
    ],
    "trivia_round.is_": ["right", "wrong", "answered", "choosing", "skipped", "gone"],
}
"""Keys that the page puts together from what the server says: each has a text for all of these."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def languages(
    chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Words, list[str]]]:
    """Each language's texts, and the plural categories that it has."""
    context = await chromium.new_context()
    page = await context.new_page()
    async with run_server(tmp_path_factory.mktemp("languages") / "test.db") as server:
        await page.goto(f"{server.url}/static/favicon.svg")
        found = {
            code: await page.evaluate(
                "async (code) => ["
                " (await import(`/static/languages/${code}.js`)).default,"
                " new Intl.PluralRules(code).resolvedOptions().pluralCategories]",
                code,
            )
            for code in ["en", *OTHERS]
        }
    await context.close()
    return {code: (words, plurals) for code, (words, plurals) in found.items()}


def forms(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def places(text: str | dict[str, str]) -> set[str]:
    """The values that a text has room for."""
    return {name for form in forms(text) for name in re.findall(r"\{(\w+)\}", form)}


@pytest.mark.parametrize("code", OTHERS)
async def test_no_translation_is_missing_and_none_is_left_over(
    languages: dict[str, tuple[Words, list[str]]], code: str
) -> None:
    english, _ = languages["en"]
    translated, plurals = languages[code]
    assert list(translated) == list(english), "the same texts, in the same order"
    for key, text in translated.items():
        assert places(text) == places(english[key]), key
        assert isinstance(text, dict) == isinstance(english[key], dict), key
        if isinstance(text, dict):
            assert set(text) == set(plurals), key
        assert all(form.strip() for form in forms(text)) or english[key] == "", key


@pytest.mark.parametrize("code", OTHERS)
async def test_what_is_translated_is_not_simply_the_english(
    languages: dict[str, tuple[Words, list[str]]], code: str
) -> None:
    english, _ = languages["en"]
    translated, _ = languages[code]
    assert [key for key, text in translated.items() if text and text == english[key]] == []


async def test_every_text_is_used_and_every_text_that_is_used_is_there(
    languages: dict[str, tuple[Words, list[str]]],
) -> None:
    english, plurals = languages["en"]
    assert all(set(text) == set(plurals) for text in english.values() if isinstance(text, dict))
    composed = {f"{prefix}{word}" for prefix, words in COMPOSED.items() for word in words}
    assert sorted(composed - set(english)) == []
    folder = static_folder()
    parts = [*(folder / "page").glob("*.js"), *(folder / "games").glob("*.js")]
    sources = [folder / "index.html", folder / "app.js", *sorted(parts)]
    used = set.union(*(keys_in(path) for path in sources))
    assert sorted(used - set(english)) == []
    unused = set(english) - used - composed
    # Variants of a composed key: `history.left` has `history.left_offline`.
    assert sorted(key for key in unused if not key.endswith("_offline")) == []


def keys_in(path: Path) -> set[str]:
    """The texts that a file names."""
    text = path.read_text()
    quoted = set(re.findall(r"""['"`]([a-z_]+\.[a-z_]+)['"`]""", text))
    files = {key for key in quoted if key.split(".")[1] in ("js", "css", "html")}
    return {key for key in quoted - files if not key.startswith("stillhere.")}
