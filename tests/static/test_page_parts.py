"""Buttons and forms of the page and its games, without a server."""

import re
from typing import Any

import pytest

from server.web.pages import static_folder
from tests.static.rig import BrowserRig

pytestmark = pytest.mark.browser

_LOAD = """async () => {
  document.head.insertAdjacentHTML('beforeend', '<meta name="description">');
  const { speak } = await import('/static/page/language.js');
  await speak('en');
}"""

_TRIVIA = """async () => {
  const { default: Part, words } = await import('/static/games/trivia-round/part.js');
  window.acts = [];
  const table = {
    seat: 0,
    act: async (action) => { acts.push(action); },
    say: (key) => JSON.stringify(words.en[key]),
    seats: () => [{ seat: 0, name: 'Ada' }],
  };
  const part = new Part(document.body.appendChild(document.createElement('div')), table);
  const texts = { en: { question: '?', choices: ['1', '2', '3', '4'] } };
  const view = {
    phase: 'question', number: 0, questions: 8, texts, ends_at: performance.now() + 9000, lasts: 10,
    players: { 0: { score: 0 } },
  };
  part.draw({ view, waitsFor: [0], outcome: null });
}"""


@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_held_since_the_warning_was_answered_chooses_no_answer(
    browser_rig: BrowserRig,
) -> None:
    rig, keyboard = browser_rig, browser_rig.page.keyboard
    await rig.evaluate(_LOAD)
    await rig.evaluate(_TRIVIA)
    for key in ("Enter", " "):
        await rig.run("document.activeElement.blur()")
        await keyboard.down(key)  # on the button of the warning, which is gone then
        await rig.run("(document.querySelector('.trivia-choice').focus(), null)")
        await keyboard.down(key)  # without an `up` between: auto-repeat
        await keyboard.down(key)
        await keyboard.up(key)
    assert await rig.run("acts") == []
    await keyboard.press("Enter")
    assert await rig.run("acts") == [{"question": 0, "choice": 0}]


_PLAIN = """async () => {
  const [{ PlainGame }, { Problem }] = await Promise.all(
    [import('/static/page/plain-game.js'), import('/static/stillhere.js')]);
  const act = async () => { if (window.refusal) throw new Problem(...window.refusal); };
  const part = new PlainGame(document.body, { seat: 0, act });
  part.draw({ view: {} });
  window.send = async (action, refusal) => {
    window.refusal = refusal;
    document.querySelector('.plain-act input').value = action;
    document.querySelector('.plain-act').requestSubmit();
    await new Promise((done) => { queueMicrotask(() => queueMicrotask(done)); });
    return document.querySelector('.error').textContent;
  };
}"""


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("action", "refusal", "text"),
    [
        ("no JSON", None, "That is no action of this game."),
        ("{}", [0, {"code": "no_connection"}], "There is no connection just now."),
        ("{}", [0], "The server cannot be reached."),
        ("{}", [400, {"code": "not_allowed", "detail": "not your turn"}], "not your turn"),
        ("{}", None, ""),
    ],
)
async def test_a_game_without_a_page_part_says_why_an_action_failed(
    browser_rig: BrowserRig, action: str, refusal: list[Any] | None, text: str
) -> None:
    rig = browser_rig
    await rig.evaluate(_LOAD)
    await rig.evaluate(_PLAIN)
    said = await rig.run("send(...argument)", [action, refusal])
    assert said.startswith(text)
    assert (said == "") == (text == "")


def test_every_button_ignores_a_held_key() -> None:
    folder = static_folder()
    alone = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*.js"))
        if re.search(r"addEventListener\('click'", path.read_text())
    ]
    assert alone == ["page/elements.js"], "these use no `onPress`"
