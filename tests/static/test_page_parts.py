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
    line: document.body.appendChild(document.createElement('div')),
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


_RESULT = """async ([game, own]) => {
  const [{ default: Part, words }, { sayIn }, { headlineOf }] = await Promise.all([
    import(`/static/games/${game}/part.js`), import('/static/page/language.js'),
    import('/static/page/room-words.js')]);
  const seats = [{ seat: 0, name: 'Ada' }, { seat: 1, name: 'Kim' }];
  const line = document.createElement('div');
  const say = (key, values) => sayIn(words, key, values);
  const table = { seat: own, say, seats: () => seats, line };
  const outcome = { winners: [0, 1], reason: 'time_up' };
  const snake = { cells: [[1, 1], [1, 2]], length: 2 };
  const view = {
    phase: 'over', players: { 0: { score: 7 }, 1: { score: 7 } },
    tick: 9, starts_at: 0, ends_at: 0, width: 40, height: 30, food: [], snakes: [snake, snake],
  };
  const element = document.body.appendChild(document.createElement('div'));
  new Part(element, table).draw({ view, waitsFor: [], outcome });
  const [shown, heard] = ['.snake-message, .trivia-result h2', '.heard-only'].map(
    (selector) => [...element.querySelectorAll(selector)].at(-1).textContent);
  return { shown, heard, headline: headlineOf(outcome, seats, own) };
}"""


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("own", [0, None])
@pytest.mark.parametrize("game", ["snake-arena", "trivia-round"])
async def test_a_game_says_who_has_won_in_the_words_of_the_room(
    browser_rig: BrowserRig, game: str, own: int | None
) -> None:
    await browser_rig.evaluate(_LOAD)
    said = await browser_rig.evaluate(_RESULT, [game, own])
    assert said["shown"] == said["headline"]
    assert said["headline"] not in said["heard"], "the room has announced it"


def test_every_button_ignores_a_held_key() -> None:
    folder = static_folder()
    alone = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*.js"))
        if re.search(r"addEventListener\('click'", path.read_text())
    ]
    assert alone == ["page/elements.js"], "these use no `onPress`"
