"""Each invariant can fail: faults of a server are found, and described in a sentence."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.base.ids import PlayerId, SessionId
from server.presence.events import (
    Event,
    SessionEnded,
    SessionSlept,
    SessionStarted,
    StatusChanged,
)
from server.presence.session import Player, Session
from server.presence.status import Reason, Status
from tests.support.answers import until
from tests.support.events import an_event
from tests.support.invariants import InvariantViolated, Order
from tests.support.live_server import LiveServer, run_server

ACTIVE, AWAY, GONE = Status.ACTIVE, Status.AWAY, Status.OFFLINE
ADA = Player(PlayerId("p"), "Ada", "ada", guest=True)
ONE, TWO = (Session(SessionId(id), ADA, 0.0, 9e9, remember=False) for id in ("one", "two"))


def change(
    before: Status, after: Status, at: float = 1.0, session: Session = ONE, **other: Any
) -> StatusChanged:
    return an_event(
        StatusChanged,
        session,
        **{
            "before": before,
            "after": after,
            "at": at,
            "player_before": before,
            "player_after": after,
            **other,
        },
    )


STARTED = an_event(SessionStarted, ONE)
ENDED = an_event(SessionEnded, ONE, reason=Reason.KICKED, at=2.0, is_last=True)
SLEPT = an_event(SessionSlept, ONE, at=1.0)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([STARTED, change(GONE, ACTIVE, 2), change(ACTIVE, AWAY, 1)], "comes after a later one"),
        ([STARTED, change(AWAY, ACTIVE)], "begins at away, not at offline"),
        ([STARTED, change(GONE, ACTIVE), change(GONE, AWAY)], "begins at offline, not at active"),
        ([STARTED, change(GONE, GONE)], "is as before"),
        ([STARTED, change(GONE, ACTIVE), ENDED], "ended without having gone offline"),
        ([STARTED, ENDED, change(GONE, ACTIVE, 3)], "heard of a session that ended: kicked"),
        ([STARTED, change(GONE, ACTIVE), SLEPT], "sleeps that is not offline"),
        (
            [change(GONE, ACTIVE), change(GONE, ACTIVE, session=TWO)],
            "the player's change begins at offline, not at active",
        ),
        (
            [
                change(GONE, ACTIVE),
                change(GONE, ACTIVE, session=TWO, player_before=ACTIVE),
                change(ACTIVE, GONE, player_after=ACTIVE),
                change(ACTIVE, GONE, session=TWO),
                change(GONE, ACTIVE, player_before=ACTIVE),
            ],
            "the player's change begins at active, not at offline",
        ),
        (
            [
                change(GONE, ACTIVE),
                change(ACTIVE, GONE, player_after=AWAY),
                an_event(SessionEnded, ONE, at=1.0, is_last=True),
            ],
            "the last session ended, and the player is not offline",
        ),
        ([change(GONE, ACTIVE, player_after=AWAY)], "the player is less here than this session"),
        (
            [change(GONE, ACTIVE, last_activity=5.0), change(ACTIVE, AWAY, last_activity=4.0)],
            "the last activity went back",
        ),
    ],
)
def test_an_impossible_event_is_found(events: list[Event], sentence: str) -> None:
    order = Order()
    for event in events[:-1]:
        order.hear(event)
    with pytest.raises(InvariantViolated, match=sentence) as caught:
        order.hear(events[-1])
    assert type(events[-1]).__name__ in str(caught.value), "with what was last heard"


# A server with a fault


async def drop_unheard(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    server.still_here.registry.disconnected = lambda *_, **__: ()  # type: ignore[method-assign]
    await tab.socket.close()
    await until(lambda: not len(server.still_here.tabs))


async def drop(server: LiveServer) -> Session:
    ada = await server.guest("Ada")
    tab = await ada.tab()
    tab.socket.transport.abort()
    await until(lambda: ada.session.status is Status.RECONNECTING)
    return ada.session


def due_now(server: LiveServer, session: Session) -> None:
    """Make the registry check a session whose numbers a test has changed."""
    server.still_here.registry._deadlines.disarm(session)
    server.still_here.registry._deadlines.arm(session, server.clock.now())


async def end_a_grace_early(server: LiveServer) -> None:
    session = await drop(server)
    session.grace_until -= 10
    due_now(server, session)
    await server.advance(25)


async def never_end_a_grace(server: LiveServer) -> None:
    session = await drop(server)
    session.grace_until += 100
    await server.advance(31)
    server.invariants.check(session)


async def sign_out_soon_after_the_warning(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await ada.tab()
    await server.advance(241)
    session = ada.session
    assert session.warning_sent_at is not None
    session.idle_from -= 30
    session.warning_sent_at -= 30
    due_now(server, session)
    await server.advance(50)


async def sign_out_without_a_warning(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await ada.tab()
    session = ada.session
    session.idle_from -= 300
    session.warning_sent_at = -100.0
    due_now(server, session)
    await server.advance(1)


async def turn_the_last_activity_back(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await server.advance(50)
    await ada.http.post("/api/session/activity")
    server.invariants.check(ada.session)
    ada.session.last_activity = 20.0
    server.invariants.check(ada.session)


async def change_a_status_in_silence(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await ada.tab()
    ada.session.status = ada.session.player.status = AWAY
    server.invariants.check(ada.session)


async def forget_whose_status_it_is(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    ada.session.player.status = AWAY
    server.invariants.check_everybody()


async def stay_here_for_nothing(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    await ada.tab()
    session = ada.session
    for tab in server.still_here.tabs.of(session):
        server.still_here.tabs.detach(tab, has_left=False)
    session.connections = 0
    server.invariants.check(session)


async def put_to_sleep_what_is_not_remembered(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    offline = change(ACTIVE, GONE, at=9.0, session=ada.session, last_activity=9.0)
    server.still_here.stream.publish([offline, an_event(SessionSlept, ada.session, at=9.0)])


async def never_sign_out(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    server.still_here.registry._deadlines.disarm(ada.session)
    await server.advance(361)
    server.invariants.check(ada.session)


async def keep_a_deadline_of_what_ended(server: LiveServer) -> None:
    ada = await server.guest("Ada")
    session = ada.session
    await ada.http.delete("/api/session")
    server.still_here.registry._deadlines.arm(session, 1e6)
    server.invariants.check(session)
    server.still_here.registry._deadlines.disarm(session)


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (drop_unheard, "it counts 1 connections and has 0"),
        (end_a_grace_early, "offline before .*, in the grace"),
        (never_end_a_grace, "it is here, and its grace was over"),
        (sign_out_soon_after_the_warning, "idle_timeout 3.* s after its warning was sent"),
        (sign_out_without_a_warning, "idle_timeout with an open socket, and no warning was sent"),
        (turn_the_last_activity_back, "the last activity went back"),
        (change_a_status_in_silence, "it is away, and was told to be active"),
        (forget_whose_status_it_is, "Ada is away, and the best of their sessions active"),
        (stay_here_for_nothing, "it is active with no socket and no grace"),
        (put_to_sleep_what_is_not_remembered, "a session sleeps that is not remembered"),
        (never_sign_out, "should have been signed out long ago"),
        (keep_a_deadline_of_what_ended, "it has ended and has a deadline"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_a_server_that_breaks_a_promise_fails_the_test_that_runs_it(
    tamper: Callable[[LiveServer], Any],
    sentence: str,
    tmp_path: Path,
    order: list[InvariantViolated],
) -> None:
    with pytest.raises(InvariantViolated, match=sentence):
        async with run_server(tmp_path / "test.db") as server:
            await tamper(server)
    order.clear()  # it may be reported twice


# What is left at the end


def leave_a_token(server: LiveServer) -> None:
    server.still_here.sessions._by_digest[b"whose?"] = ONE


def leave_a_watcher(server: LiveServer) -> None:
    server.still_here.lobby._watchers[object()] = None  # type: ignore[index]


def leave_a_name(server: LiveServer) -> None:
    server.still_here.accounts._claims["ada"] = asyncio.get_running_loop().create_future()


def leave_a_player(server: LiveServer) -> None:
    server.still_here.registry._players[ADA.id] = ADA


def leave_a_task(server: LiveServer) -> None:
    activity = server.still_here.store.activity
    task = asyncio.get_running_loop().create_task(activity._run())
    asyncio.get_running_loop().call_later(0.5, task.cancel)
    LEFT.append(task)


LEFT: list[asyncio.Task[None]] = []


@pytest.mark.parametrize(
    ("leave", "what"),
    [
        (leave_a_token, "1 tokens"),
        (leave_a_watcher, "1 watchers"),
        (leave_a_name, "1 claimed names"),
        (leave_a_player, "1 players"),
        (leave_a_task, "the task <Task"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_state_left_after_every_client_is_gone_fails_the_test(
    leave: Callable[[LiveServer], None], what: str, tmp_path: Path
) -> None:
    async def tamper() -> None:
        async with run_server(tmp_path / "test.db") as server:
            await server.guest("Ada")
            leave(server)

    with pytest.raises(InvariantViolated, match=what):
        await tamper()
    for task in itertools.chain(LEFT):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    LEFT.clear()
