"""The texts of the page in each language: complete, used, with the same placeholders."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import unicodedata2

from server.games.game import Silence
from server.presence.status import ENDINGS, Reason, Status
from tests.static.rig import STATIC, WORDS, Rig

pytestmark = pytest.mark.browser

OTHERS = ["zh", "es"]

Words = dict[str, Any]

OWN = ["", "_own"]
"""Endings of keys: of another player, and of the reader."""

COMPOSED = {
    "connection.": ["connecting", "open", "reconnecting", "closed", "no_network"],
    "status.": [*Status, "away_for"],
    "signed_out.": [*sorted(ENDINGS), "not_signed_in", "other"],
    "history.": [*(reason for reason in Reason)],
    "room.closed_": ["empty", "idle", "failed", "left"],
    "state.": ["open", "playing", "over"],
    "notice.": ["joined", "left", "resigned", "out", "bot", "skipped"],
    "ended.": ["forfeit", "resigned", "claimed", "abandoned", "failed"],
    "why.": [
        *(f"{word}{own}" for word in ("forfeit", "resigned", "claimed", "draw") for own in OWN),
        *("abandoned", "failed"),
    ],
    "cost.": [*Silence],
    "silence.": [*Silence],
    "level.": ["easy", "normal", "hard"],
    "rule.": [
        "name_empty",
        "name_too_long",
        "name_character",
        "name_emoji",
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
        "wrong_password",
        "too_many_attempts",
        "too_busy",
        "storage_unavailable",
        "too_large",
        "cross_origin",
    ],
    "refused.": [
        "no_such_room",
        "no_such_game",
        "seat_taken",
        "no_bots",
        "already_seated",
        "not_seated",
        "not_host",
        "not_here",
        "too_few",
        "no_match",
        "too_soon",
        "budget_spent",
        "too_many_rooms",
        "too_much_chat",
        "no_connection",
    ],
}
"""Keys that the page composes from words of the server: each word has a text."""

GAMES = {
    "connect-four": ["red", "yellow"],
    "snake-arena": ["up", "left", "right", "down"],
    "trivia-round": [],
}
"""The games with a page part, and the texts that their parts compose keys for."""

_LOAD = """
(async () => {
  const codes = process.argv.slice(1);
  const source = require('fs').readFileSync(0, 'utf8');
  const module = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  const plurals = codes
    .map((code) => new Intl.PluralRules(code).resolvedOptions().pluralCategories);
  console.log(JSON.stringify([module.default ?? module.words, plurals]));
})();
"""


def load(source: str, *codes: str) -> tuple[Any, list[list[str]]]:
    """The export of a module of words, given as text, and the plural categories of these
    languages."""
    node = shutil.which("node")
    assert node is not None, "Node.js is not there: scripts/test gets it, or leaves this out"
    command = [node, "-e", _LOAD, *codes]
    done = subprocess.run(
        command, input=source, capture_output=True, text=True, timeout=60, check=True
    )
    words, plurals = json.loads(done.stdout)
    return words, plurals


def languages_of(game: str | None) -> dict[str, tuple[Words, list[str]]]:
    """The texts of the page, or of a game, in each language, and its plural categories."""
    codes = ["en", *OTHERS]
    if game is not None:
        source = (STATIC / "games" / game / "words.js").read_text()
        words, plurals = load(source, *codes)
        assert list(words) == codes
        return {code: (words[code], each) for code, each in zip(codes, plurals, strict=True)}
    loaded = {code: load(WORDS[f"languages/{code}.js"], code) for code in codes}
    return {code: (words, plurals) for code, (words, (plurals,)) in loaded.items()}


@pytest.fixture(scope="module", params=[None, *GAMES], ids=["page", *GAMES])
def languages(request: pytest.FixtureRequest) -> dict[str, tuple[Words, list[str]]]:
    return languages_of(request.param)


def forms(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def places(text: str | dict[str, str]) -> set[str]:
    """The placeholders of a text."""
    return {name for form in forms(text) for name in re.findall(r"\{(\w+)\}", form)}


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_the_texts_of_the_english_and_no_others(
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
def test_no_translation_equals_the_english(
    languages: dict[str, tuple[Words, list[str]]], code: str
) -> None:
    english, _ = languages["en"]
    translated, _ = languages[code]
    assert [key for key, text in translated.items() if text and text == english[key]] == []


def test_the_chinese_addresses_the_player_in_one_way(
    languages: dict[str, tuple[Words, list[str]]],
) -> None:
    # As the players address each other, and the plural of the polite form does not exist.
    translated, _ = languages["zh"]
    polite = [key for key, text in translated.items() if any("您" in form for form in forms(text))]
    assert polite == []


def test_the_english_of_every_text_has_its_plurals(
    languages: dict[str, tuple[Words, list[str]]],
) -> None:
    english, plurals = languages["en"]
    assert all(set(text) == set(plurals) for text in english.values() if isinstance(text, dict))


def test_every_text_is_used_and_every_used_text_exists() -> None:
    english, _ = languages_of(None)["en"]
    composed = {f"{prefix}{word}" for prefix, words in COMPOSED.items() for word in words}
    assert sorted(composed - set(english)) == []
    files = [path for kind in ("*.js", "*.html") for path in (STATIC / "page").rglob(kind)]
    sources = [STATIC / "index.html", STATIC / "app.js", *files]
    used = set.union(*(keys_in(path) for path in sources))
    assert sorted(used - set(english)) == []
    unused = set(english) - used - composed
    # Variants of a composed key: `history.left` has `history.left_offline`, and that has
    # `history.left_offline_elsewhere`.
    variants = {key for key in unused if key.startswith("history.")}
    bases = {re.sub(r"(_offline)?(_elsewhere)?$", "", key) for key in variants}
    assert sorted(bases - used - composed) == []
    assert sorted(unused - variants) == []


def test_no_text_is_in_two_files_of_a_language() -> None:
    for folder in (STATIC / "languages").iterdir():
        texts = "".join(path.read_text() for path in folder.glob("*.js"))
        keys = re.findall(r"^  '([a-z_.]+)':", texts, re.MULTILINE)
        assert len(keys) > 100
        assert sorted(key for key in set(keys) if keys.count(key) > 1) == []


@pytest.mark.parametrize("game", GAMES)
def test_every_text_of_a_game_is_used_and_every_used_text_exists(game: str) -> None:
    english, _ = languages_of(game)["en"]
    source = (STATIC / "games" / game / "part.js").read_text()
    said = set(re.findall(r"\bsay\('(\w+)'", source))
    assert sorted((said | set(GAMES[game])) - set(english)) == []
    named = set(re.findall(r"'([a-z_]+)'", source)) | set(GAMES[game])
    assert sorted(set(english) - named - {"title", "rules"}) == []


def keys_in(path: Path) -> set[str]:
    """The texts that a file uses."""
    text = path.read_text()
    quoted = set(re.findall(r"""['"`]([a-z_]+\.[a-z_]+)['"`]""", text))
    files = {key for key in quoted if key.split(".")[1] in ("js", "css", "html")}
    return {key for key in quoted - files if not key.startswith("stillhere.")}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("of_the_browser", "language"),
    [
        (["zh-CN"], "zh"),
        (["es-MX"], "es"),
        (["en-GB", "es"], "en"),
        (["fr-FR", "es-ES", "zh"], "es"),
        (["fr-FR"], "en"),
        ([], "en"),
    ],
)
async def test_the_page_uses_the_first_known_language_of_the_browser(
    rig: Rig, of_the_browser: list[str], language: str
) -> None:
    preferred = "import('/static/page/language.js').then(({preferred}) => preferred(argument))"
    assert await rig.run(preferred, of_the_browser) == language


def test_every_right_to_left_letter_makes_a_name_that_is_isolated() -> None:
    source = (STATIC / "page" / "language.js").read_text()
    found = re.search(r"^const RIGHT_TO_LEFT = (/.*/\w*);$", source, re.MULTILINE)
    assert found is not None
    node = shutil.which("node")
    assert node is not None, "Node.js is not there: scripts/test gets it, or leaves this out"
    every = "[...Array(0x110000).keys()].map((code) => String.fromCodePoint(code))"
    isolated = f"{every}.map((letter) => Number({found[1]}.test(letter))).join('')"
    command = [node, "-p", isolated]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    missed = [
        hex(code)
        for code, is_isolated in enumerate(done.stdout.strip())
        if is_isolated == "0" and unicodedata2.bidirectional(chr(code)) in ("R", "AL")
    ]
    assert missed == []
    assert done.stdout[:0x590] == "0" * 0x590


def test_a_right_to_left_name_is_isolated_from_the_others_of_a_list(tmp_path: Path) -> None:
    source = (STATIC / "page" / "language.js").read_text()
    module = tmp_path / "language.mjs"
    module.write_text(re.sub(r"^import .*$", "", source, flags=re.MULTILINE))
    names = ["Ada", "\u05d3\u05e0\u05d4", "\U0001e900", "Kim"]
    node = shutil.which("node")
    assert node is not None, "Node.js is not there: scripts/test gets it, or leaves this out"
    said = """
        const { namesOf } = await import(process.argv[1]);
        console.log(JSON.stringify(namesOf(JSON.parse(process.argv[2]))));
    """
    command = [node, "--input-type=module", "-e", said, str(module), json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    hebrew, adlam = (f"\u2068{name}\u2069" for name in names[1:3])
    assert json.loads(done.stdout) == f"Ada, {hebrew}, {adlam}, and Kim"
