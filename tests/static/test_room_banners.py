"""The banners of a room, on a clock that the test moves."""

from typing import Any

import pytest

from tests.static.rig import BrowserRig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_MAKE = """async () => {
  document.head.insertAdjacentHTML('beforeend', '<meta name="description">');
  document.body.innerHTML = `<div id="room-banners"></div><p id="room-heard"></p>
    <p id="room-alert"></p>`;
  const [{ RoomBanners }, { Clocks }, { speak }] = await Promise.all(
    ['room-banners', 'clocks', 'language'].map((name) => import(`/static/page/${name}.js`)));
  await speak('en');
  const draw = () => banners.draw(window.room, { least: 2, most: 2, policy: {} });
  const banners = new RoomBanners({ player: { id: 'ada' } }, new Clocks(draw), { onAbsence: draw });
  window.take = (info) => {
    const own = info.seats[0].player.id === 'ada' ? info.seats[0] : null;
    window.room = { info, seat: own && 0, own, isStale: false };
    draw();
  };
}"""
_TEXTS = "[...document.querySelectorAll('.banner-text')].map((each) => each.textContent)"

ADA = {"player": {"id": "ada", "name": "Ada"}, "status": "active"}
KIM = {"player": {"id": "kim", "name": "Kim"}, "status": "active"}
GONE = {**KIM, "status": "reconnecting"}
PLAYERS = [ADA["player"], KIM["player"]]


async def shown(rig: BrowserRig, kim: dict[str, Any] | None = None, **room: Any) -> list[str]:
    """The banners, after Kim's seat was sent, if it is given."""
    if kim is not None:
        seats = {"0": room.pop("ada", ADA), "1": kim}
        await rig.run("take(argument)", {"id": "r1", "host": "ada", "seats": seats, **room})
    texts: list[str] = await rig.run(_TEXTS)
    return texts


async def test_an_absence_is_shown_when_it_has_lasted_for_a_second(
    browser_rig: BrowserRig,
) -> None:
    rig = browser_rig
    await rig.evaluate(_MAKE)
    match = {"number": 1, "players": PLAYERS, "waits_for": [1]}
    absent = {**GONE, "absent": {"left": True, "claim_at": await rig.run("rig.clock.now") + 10_000}}
    assert await shown(rig, absent, match=match) == []
    await rig.wait(0.4)
    assert await shown(rig, KIM, match=match) == []
    await rig.wait(2)
    assert await shown(rig) == []

    # The second absence counts from its own beginning, and later news of it do not restart it.
    assert await shown(rig, absent, match=match) == []
    await rig.wait(0.99)
    assert await shown(rig, absent, match=match) == []
    await rig.wait(0.01)
    (text,) = await shown(rig)
    assert text.startswith("Kim has gone. The win may be claimed in 0:0")
    assert await shown(rig, KIM, match=match) == []


async def test_a_drop_is_shown_as_soon_as_it_is_told(browser_rig: BrowserRig) -> None:
    rig = browser_rig
    await rig.evaluate(_MAKE)
    match = {"number": 1, "players": PLAYERS, "waits_for": [1]}
    assert await shown(rig, GONE, match=match) == []
    await rig.wait(5)
    (text,) = await shown(rig, {**GONE, "absent": {}}, match=match)
    assert text.startswith("Kim has lost the connection.")


async def test_a_reload_before_a_match_is_not_shown(browser_rig: BrowserRig) -> None:
    rig = browser_rig
    await rig.evaluate(_MAKE)
    together = await shown(rig, KIM)
    assert together == ["2 players are here. You are the host: begin when you like."]
    assert await shown(rig, GONE) == together
    await rig.wait(0.99)
    assert await shown(rig) == together
    await rig.wait(0.01)
    assert await shown(rig) == ["Waiting for somebody to play with. Send them the link."]
    assert await shown(rig, KIM) == together


async def test_a_rematch_is_no_longer_spoken_of_when_nobody_is_left(
    browser_rig: BrowserRig,
) -> None:
    rig = browser_rig
    await rig.evaluate(_MAKE)
    match = {"number": 1, "players": PLAYERS, "outcome": {"winners": [0], "reason": "four"}}
    wanting: dict[str, Any] = {"ada": {**ADA, "wants_more": True}, "match": match}
    (text,) = await shown(rig, KIM, **wanting)
    assert text == "You win. You want a rematch. Waiting for the others."
    (text,) = await shown(rig, {}, **wanting)
    assert text == "You win. There is nobody left to play with."


async def test_a_spectator_hears_who_has_won(browser_rig: BrowserRig) -> None:
    rig = browser_rig
    await rig.evaluate(_MAKE)
    heard = "document.getElementById('room-heard').textContent"
    eve = {"player": {"id": "eve", "name": "Eve"}, "status": "active"}
    players = [eve["player"], KIM["player"]]
    match = {"number": 1, "players": players, "waits_for": [1]}
    await shown(rig, KIM, ada=eve, match=match)
    assert await rig.run(heard) == "You are watching."
    over = {"number": 1, "players": players, "outcome": {"winners": [0], "reason": "four"}}
    await shown(rig, KIM, ada=eve, match=over)
    assert await rig.run(heard) == "Eve wins. You are watching."
