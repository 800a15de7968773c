"""The roster in the page: version by version, without missing players and without ghosts."""

from typing import Any

import pytest

from tests.static.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WATCH = {"type": "watch", "topic": "lobby"}
NAMES = "[...here.roster.players.values()].map((player) => player.name).sort().join(' ')"
STATUSES = "Object.fromEntries([...here.roster.players.values()].map((p) => [p.name, p.status]))"


def player(name: str, status: str = "active", **more: Any) -> dict[str, Any]:
    return {"id": name.lower(), "name": name, "guest": True, "status": status} | more


async def in_lobby(rig: Rig, *names: str, total: int | None = None) -> None:
    """Signed in as Ada, with a roster of version 7 of these."""
    await rig.sign_in(watch=["lobby"])
    assert await rig.sent() == [WATCH]
    await hear_roster(rig, 7, *names, total=total)
    await rig.told()


async def hear_roster(rig: Rig, version: int, *names: str, total: int | None = None) -> None:
    players = [player(name) for name in names]
    total = len(names) if total is None else total
    await rig.hear("roster", topic="lobby", version=version, players=players, total=total)


async def hear_diff(rig: Rig, version: int, **diff: Any) -> None:
    told = {"joined": [], "changed": [], "left": [], "total": 2} | diff
    await rig.hear("presence", topic="lobby", version=version, **told)


# Version by version


async def test_the_roster_follows_its_changes(rig: Rig) -> None:
    await in_lobby(rig, "Ada", "Bob")
    assert await rig.run(NAMES) == "Ada Bob"
    assert await rig.run("[here.roster.total, here.roster.isComplete]") == [2, True]
    await hear_diff(rig, 8, joined=[player("Cem", "away", idle_for=12.5)], total=3)
    await hear_diff(rig, 9, changed=[{"id": "bob", "status": "warned"}], total=3)
    await hear_diff(rig, 10, left=["ada"], total=2)
    assert await rig.run(STATUSES) == {"Bob": "warned", "Cem": "away"}
    assert await rig.run("here.roster.total") == 2
    assert len(await rig.told("roster")) == 3


async def test_a_player_who_left_and_joined_in_one_diff_is_present(rig: Rig) -> None:
    await in_lobby(rig, "Ada", "Bob")
    await hear_diff(rig, 8, left=["bob"], joined=[player("Bob", "away")])
    assert await rig.run(STATUSES) == {"Ada": "active", "Bob": "away"}


@pytest.mark.parametrize("version", [7, 9, 100, 1])
async def test_a_gap_asks_once_for_the_roster_and_ignores_diffs_until_it_comes(
    rig: Rig, version: int
) -> None:
    await in_lobby(rig, "Ada", "Bob")
    await hear_diff(rig, version, left=["bob"], total=1)
    assert await rig.sent() == [WATCH]
    assert await rig.run("[here.roster.isWaiting, here.roster.isComplete]") == [True, False]
    for later in range(version + 1, version + 4):
        await hear_diff(rig, later, left=["ada"], total=0)
    await hear_diff(rig, 8, left=["ada"], total=0)
    assert await rig.sent() == []
    assert await rig.run(NAMES) == "Ada Bob", "what is shown stays until there is something better"
    await hear_roster(rig, version + 5, "Ada", "Cem")
    await hear_diff(rig, version + 6, joined=[player("Dua")], total=3)
    assert await rig.run(NAMES) == "Ada Cem Dua"
    assert await rig.sent() == []


async def test_a_new_connection_begins_with_a_roster_of_its_own(rig: Rig) -> None:
    await in_lobby(rig, "Ada", "Bob")
    await rig.lose()
    assert await rig.run("[here.roster.isStale, here.roster.isWaiting]") == [True, False]
    assert await rig.run(NAMES) == "Ada Bob", "shown as it was, marked as stale"
    await rig.reopen()
    assert await rig.sent() == [WATCH]
    # A restarted server begins a new count, which may happen to be at the next version.
    await hear_diff(rig, 8, left=["bob"], total=1)
    assert await rig.run(NAMES) == "Ada Bob"
    await hear_roster(rig, 1, "Ada")
    assert await rig.run("[here.roster.isStale, here.roster.isWaiting]") == [False, False]
    assert await rig.run(NAMES) == "Ada"


async def test_the_next_session_begins_with_an_empty_roster(rig: Rig) -> None:
    await in_lobby(rig, "Ada", "Bob")
    await rig.hear("signed_out", reason="kicked", detail="")
    assert await rig.run("[here.roster.players.size, here.roster.isWaiting]") == [0, True]


async def test_messages_of_other_topics_do_not_change_the_roster(rig: Rig) -> None:
    await in_lobby(rig, "Ada")
    await rig.hear("roster", topic="room", version=3, players=[], total=0)
    await rig.hear("presence", topic="room", version=9, joined=[player("Bob")], total=1)
    assert await rig.run(NAMES) == "Ada"
    assert await rig.sent() == []


async def test_topics_are_watched_now_and_over_every_connection_to_come(rig: Rig) -> None:
    await rig.sign_in(watch=["lobby"])
    await rig.run("(here.watch('room'), here.watch('other'), here.unwatch('other'))")
    await rig.sent()
    await rig.lose()
    await rig.run("here.watch('third')")
    await rig.reopen()
    assert [message["topic"] for message in await rig.sent("watch")] == ["lobby", "room", "third"]


async def test_away_since_is_an_instant_of_the_clock_of_the_page(rig: Rig) -> None:
    await rig.sign_in(watch=["lobby"])
    here = [player("Ada"), player("Bob", "away", idle_for=130.0)]
    await rig.hear("roster", topic="lobby", version=1, players=here, total=2)
    away_for = "(performance.now() - here.roster.players.get(argument).awaySince) / 1000"
    assert await rig.run(away_for, "bob") == pytest.approx(130)
    assert await rig.run("here.roster.players.get('ada').awaySince") is None
    await rig.wait(10)
    assert await rig.run(away_for, "bob") == pytest.approx(140)
    await rig.sleep(3600)
    await hear_diff(rig, 2, changed=[{"id": "ada", "status": "away", "idle_for": 5.0}])
    assert await rig.run(away_for, "ada") == pytest.approx(5)
    # Without `idle_for`, the policy's time applies.
    await hear_diff(rig, 3, changed=[{"id": "ada", "status": "away"}])
    await hear_diff(rig, 4, changed=[{"id": "bob", "status": "active"}])
    assert await rig.run(away_for, "ada") == pytest.approx(120)
    assert await rig.run("here.roster.players.get('bob').awaySince") is None


async def test_the_own_status_follows_the_lobby(rig: Rig) -> None:
    await in_lobby(rig, "Ada")
    await hear_diff(rig, 8, changed=[{"id": "ada", "status": "away"}], total=1)
    assert await rig.told("status") == ["away"]
    # It may have been "be right back" in another tab; only the server knows.
    assert await rig.sent_types() == ["look"]


# A large lobby


def page_of(*names: str, after: str | None = None) -> dict[str, Any]:
    return {"json": {"players": [player(name) for name in names], "next": after}}


async def test_the_rest_of_a_large_lobby_is_loaded_page_by_page(rig: Rig) -> None:
    await in_lobby(rig, "Ada", "Bob", total=6)
    assert await rig.run("here.roster.isComplete") is False
    pages = [
        page_of("Ada", "Bob", after="bob"),
        page_of("Cem", "Dua", after="dua &/"),
        page_of("Eva", "Fox"),
    ]
    await rig.answer("GET /api/players", *pages)
    await rig.calls()
    await rig.run("here.loadRoster()")
    assert await rig.calls() == [
        "(GET /api/players?limit=500&after=)",
        "(GET /api/players?limit=500&after=bob)",
        "(GET /api/players?limit=500&after=dua+%26%2F)",
    ]
    assert await rig.run(NAMES) == "Ada Bob Cem Dua Eva Fox"
    assert await rig.run("[here.roster.isComplete, here.roster.isLoading]") == [True, False]
    assert len(await rig.told("roster")) == 1


async def test_simultaneous_loads_are_one_load(rig: Rig) -> None:
    await in_lobby(rig, "Ada", total=2)
    await rig.answer("GET /api/players", page_of("Ada", "Bob"))
    await rig.calls()
    await rig.run("Promise.all([here.loadRoster(), here.loadRoster()])")
    assert len(await rig.calls()) == 1


async def test_changes_during_a_load_override_the_loaded_pages(
    rig: Rig,
) -> None:
    await in_lobby(rig, "Ada", total=5)
    await rig.answer("GET /api/players", page_of("Ada", "Bob", "Cem", "Dua", "Eva"))
    await rig.run("(rig.isPending = true, window.loading = here.loadRoster(), null)")
    assert await rig.run("here.roster.isLoading")
    await hear_diff(rig, 8, left=["bob"], total=4)
    await hear_diff(rig, 9, changed=[{"id": "cem", "status": "away", "idle_for": 120}], total=4)
    await hear_diff(rig, 10, joined=[player("Fox")], total=5)
    await hear_diff(rig, 11, left=["dua"], total=4)
    await hear_diff(rig, 12, joined=[player("Dua", "warned")], total=5)
    await hear_diff(rig, 13, left=["fox"], total=4)
    await rig.run("(rig.settle(), loading)")
    assert await rig.run(STATUSES) == {
        "Ada": "active",
        "Cem": "away",
        "Dua": "warned",
        "Eva": "active",
    }
    assert await rig.run("performance.now() - here.roster.players.get('cem').awaySince") == 120_000
    assert await rig.run("here.roster.isComplete")


async def test_a_roster_during_a_load_overrides_the_loaded_pages(rig: Rig) -> None:
    await in_lobby(rig, "Ada", total=3)
    await rig.answer("GET /api/players", page_of("Ada", "Bob", after="bob"), page_of("Cem"))
    await rig.run("(rig.isPending = true, window.loading = here.loadRoster(), null)")
    await hear_roster(rig, 20, "Ada", "Dua")
    await rig.run("(rig.settle(), rig.isPending = false, loading)")
    assert await rig.run(NAMES) == "Ada Dua"
    assert await rig.run("here.roster.isLoading") is False


async def test_a_failed_page_is_a_problem_and_can_be_loaded_again(
    rig: Rig,
) -> None:
    await in_lobby(rig, "Ada", total=3)
    await rig.answer("GET /api/players", page_of("Ada", "Bob", after="bob"), {"status": 503})
    assert await rig.run("here.loadRoster().catch((problem) => problem.status)") == 503
    assert await rig.run(NAMES) == "Ada", "half of the rest is none"
    assert await rig.run("here.roster.isLoading") is False
    await rig.answer("GET /api/players", page_of("Ada", "Bob", "Cem"))
    await rig.run("here.loadRoster()")
    assert await rig.run(NAMES) == "Ada Bob Cem"


async def test_a_load_of_the_last_session_is_discarded(rig: Rig) -> None:
    await in_lobby(rig, "Ada", total=3)
    await rig.run("(rig.isPending = true, window.loading = here.loadRoster(), null)")
    await rig.hear("signed_out", reason="kicked", detail="")
    await rig.run("rig.isPending = false")
    await rig.view(session={"id": "s2"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.run("here.signInAsGuest('Ada')")
    await rig.hello()
    await hear_roster(rig, 1, "Ada", total=2)
    # The waiting call gets its answer after the one that did not wait.
    await rig.answer("GET /api/players", page_of("Ada", "New"), page_of("Old", after="old"))
    await rig.calls()
    await rig.run("Promise.all([rig.settle(), loading, here.loadRoster()])")
    assert await rig.run(NAMES) == "Ada New"
    assert len(await rig.calls()) == 1, "and the second page for the old one is not asked for"


async def test_diffs_of_five_thousand_players_are_applied_quickly(rig: Rig) -> None:
    await rig.sign_in(watch=["lobby"])
    spent = await rig.run(
        """(() => {
          const status = 'active';
          const player = (n) => ({ id: `p${n}`, name: `Player ${n}`, guest: true, status });
          const players = Array.from({ length: 5000 }, (_, n) => player(n));
          const begun = Date.now();
          rig.socket.tell({ type: 'roster', topic: 'lobby', version: 0, players, total: 5000 });
          for (let version = 1; version <= 1000; version += 1) {
            const changed = Array.from({ length: 50 }, (_, n) => (
              { id: `p${(version * 50 + n) % 5000}`, status: version % 2 ? 'away' : 'warned' }));
            const left = [`p${version}`];
            const joined = [player(version)];
            rig.socket.tell({
              type: 'presence', topic: 'lobby', version, joined, changed, left, total: 5000,
            });
          }
          return Date.now() - begun;
        })()"""
    )
    assert await rig.run("[here.roster.players.size, here.roster.isComplete]") == [5000, True]
    assert await rig.sent_types() == ["watch"]
    assert spent < 5_000, "ms for a thousand messages, on a machine that is busy"
