"""The metrics of rooms."""

import re

from tests.support.answers import metrics
from tests.support.live_server import LiveServer

ARENA = "snake-arena"


async def test_rooms_ticks_and_ends_are_counted(server: LiveServer) -> None:
    players = [await server.guest(name) for name in ("Ada", "Kim")]
    tabs = [await player.tab() for player in players]
    answer = await players[0].http.post("/api/rooms", json={"game": ARENA})
    room = answer.json()["id"]
    for tab in tabs:
        await tab.ask("join", "joined", room=room)
    assert (await metrics(server))['stillhere_rooms{state="open"}'] == 1
    await tabs[0].send("start", room=room)
    await tabs[0].quiet()
    assert (await metrics(server))['stillhere_rooms{state="playing"}'] == 1
    await server.advance(4.0)
    # Three seconds of countdown, then ten a second; none is late, because the test's clock waits.
    ticks = (await metrics(server))["stillhere_tick_lateness_seconds_count"]
    assert 9 <= ticks <= 11
    assert (await metrics(server))['stillhere_tick_lateness_seconds_bucket{le="0.02"}'] == ticks
    await tabs[0].ask("leave", "left", room=room)
    await server.advance(11.0)
    assert (await metrics(server))['stillhere_matches_ended_total{reason="resigned"}'] == 1
    await tabs[1].ask("leave", "left", room=room)
    await server.advance(60.0)
    assert (await metrics(server))['stillhere_rooms_closed_total{reason="empty"}'] == 1


async def test_players_in_the_queue_are_counted(server: LiveServer) -> None:
    tab = await (await server.guest("Ada")).tab()
    await tab.ask("quick_match", "queued", game=ARENA)
    assert (await metrics(server))["stillhere_quick_match_waiting"] == 1


async def test_the_names_of_the_metrics_are_those_that_dashboards_know(server: LiveServer) -> None:
    text = (await (await server.visitor()).http.get("/metrics")).text
    assert sorted(re.findall(r"^# TYPE stillhere_(\S+)", text, re.MULTILINE)) == [
        "connections",
        "deadline_worst_lateness_seconds",
        "gc_pause_seconds_total",
        "gc_worst_pause_seconds",
        "journal_failing_seconds",
        "journal_shed_total",
        "journal_waiting",
        "kept_bytes_total",
        "lifeboat_endings",
        "matches_ended_total",
        "players",
        "quick_match_waiting",
        "rooms",
        "rooms_closed_total",
        "sessions",
        "sessions_ended_total",
        "sockets_closed_total",
        "status_changes_total",
        "tick_lateness_seconds",
        "transports",
        "wal_bytes",
        "watchers",
    ]
