"""A day of 200 players keeps every promise, the same seed gives the same day, and faults of the
server are found. More and longer days: `python -m tests.simulation --seeds 200`."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from server.presence.registry import Registry
from server.presence.session import Session
from server.presence.status import Reason
from server.realtime.tabs import Tabs
from server.storage.journal import Journal
from server.storage.presence_rows import PresenceRows
from tests.simulation.day import Day, DayFailed


def test_a_working_day_of_200_players_keeps_every_promise(tmp_path: Path) -> None:
    day = Day(seed=4, path=tmp_path / "day.db", players=200, hours=8.5)
    day.run()
    assert day.steps > 5_000
    assert day.disk.failures > 10
    assert min(day.counts[each] for each in ("kill", "stop", "stand_still", "break_the_disk")) > 1


def test_some_hours_of_a_random_seed_keep_every_promise(tmp_path: Path) -> None:
    """A failure names the seed, and the command that runs it again."""
    seed = random.SystemRandom().randrange(1_000, 10**9)
    Day(seed, tmp_path / "day.db", players=200, hours=2).run()


def test_an_hour_with_the_default_heartbeat_keeps_every_promise(tmp_path: Path) -> None:
    # After the hour the last session still has its lifetime, which is most of the heartbeats.
    Day(
        seed=3,
        path=tmp_path / "day.db",
        players=60,
        hours=1,
        heartbeat=0.25,
        session_lifetime=1_200,
    ).run()


def test_the_same_seed_makes_the_same_events(tmp_path: Path) -> None:
    days = [
        Day(seed, tmp_path / f"{n}.db", players=60, hours=0.7) for n, seed in enumerate((9, 9, 8))
    ]
    for day in days:
        day.run()
    assert days[0].counts["kill"] > 0
    assert days[0].disk.failures > 0
    traces = [day.digest.hexdigest() for day in days]
    assert traces[0] == traces[1]
    assert traces[1] != traces[2]


def _sign_out_early(make: Callable[..., float]) -> Callable[..., float]:
    return lambda *args: make(*args) - 1.0


def _do_nothing(_: object) -> Callable[..., Any]:
    def nothing(*_: object, **__: object) -> Sequence[Any]:
        return ()

    return nothing


def _forget_endings(hear: Callable[..., None]) -> Callable[..., None]:
    def hear_most(self: PresenceRows, event: Any) -> None:
        if getattr(event, "reason", None) is not Reason.SIGNED_OUT:
            hear(self, event)

    return hear_most


@pytest.mark.parametrize(
    ("owner", "name", "spoil"),
    [
        (Session, "idle_end_at", _sign_out_early),
        (Tabs, "send", _do_nothing),
        (Registry, "disconnected", _do_nothing),
        (Registry, "_start_grace", _do_nothing),
        (Tabs, "_close", _do_nothing),
        (PresenceRows, "hear", _forget_endings),
        (Journal, "replace_states", _do_nothing),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_server_that_breaks_a_promise_is_found_out(
    owner: Any, name: str, spoil: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, spoil(getattr(owner, name)))
    with pytest.raises(DayFailed, match=r"python -m tests.simulation --seed 5"):
        Day(seed=5, path=tmp_path / "day.db", players=100, hours=8).run()
