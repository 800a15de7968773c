"""Signing in and out, the warning, holds, and the page around the module."""

import json
import math
from typing import Any

import pytest

from server.base.waiting import within
from tests.static.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOT_SIGNED_IN: dict[str, Any] = {"status": 401, "json": {"code": "not_signed_in", "detail": "x"}}
ACTIVITY = "POST /api/session/activity"
LOOK = "GET /api/session"
PING = {"type": "ping"}
TIMEOUT = 10


async def warn(rig: Rig, left: float = 60, reason: str = "idle_timeout") -> None:
    await rig.hear("warning", reason=reason, expires_in=left)


# Signing in


async def test_a_signed_in_page_reports_the_session_and_connects(rig: Rig) -> None:
    await rig.sign_in()
    heard = await rig.told()
    assert [event for event, _ in heard] == ["signedIn", "status", "connection", "connection"]
    assert heard[0][1] == await rig.run("rig.view")
    assert await rig.run("[here.isSignedIn, here.player.name, here.session.id, here.status]") == [
        True,
        "Ada",
        "s1",
        "active",
    ]


async def lets_go_of_the_first_socket(rig: Rig) -> None:
    """It was opened ahead of the session: it is closed once it is open, and its messages are
    ignored."""
    told = {"type": "signed_out", "reason": "not_signed_in", "detail": ""}
    await rig.told()
    await rig.run("(rig.sockets[0].tell(argument), rig.sockets[0].end(4500))", told)
    assert (await rig.sockets())[0]["closedWith"] == 1000
    assert await rig.told() == []


async def test_a_page_without_a_session_gets_the_policy(rig: Rig) -> None:
    policy = {"idle_timeout": 300, "remember_lifetime": 2_592_000}
    await rig.answer(LOOK, {"status": 401, "json": {"code": "not_signed_in", "policy": policy}})
    await rig.make()
    assert await rig.run("here.start()") is False
    assert await rig.run("here.policy") == policy
    assert await rig.told() == []
    await lets_go_of_the_first_socket(rig)
    assert len(await rig.sockets()) == 1


async def test_the_socket_opens_before_the_answer_of_the_start(rig: Rig) -> None:
    await rig.answer(LOOK, {})
    await rig.make(watch=["lobby"])
    await rig.run("(rig.isPending = true, window.starting = here.start(), null)")
    await rig.hello()
    assert await rig.run("[here.connection, here.isSignedIn]") == ["closed", False]
    assert await rig.told() == [], "nothing is believed before the answer"
    assert await rig.run("(rig.settle(), starting)") is True
    assert await rig.run("here.connection") == "open"
    assert await rig.sent() == [{"type": "watch", "topic": "lobby"}]
    events = [event for event, _ in await rig.told()]
    assert events == ["signedIn", "status", "connection", "connection"]
    assert len(await rig.sockets()) == 1


async def test_a_connection_that_ends_before_the_answer_of_the_start_is_reopened(rig: Rig) -> None:
    await rig.answer(LOOK, {})
    await rig.make()
    await rig.run("(rig.isPending = true, window.starting = here.start(), null)")
    await rig.lose()
    assert await rig.run("(rig.settle(), starting)") is True
    assert await rig.run("here.connection") == "connecting"
    await rig.hello()
    assert await rig.run("here.connection") == "open"
    assert len(await rig.sockets()) == 2


async def test_events_of_the_start_wait_for_the_given_promise(rig: Rig) -> None:
    await rig.answer(LOOK, {})
    await rig.make()
    await rig.run(
        """(window.words = {}, words.promise = new Promise((there) => { words.there = there; }),
        window.starting = here.start({after: words.promise}), null)"""
    )
    await rig.hello()
    await rig.wait(1)
    assert await rig.calls() == [LOOK]
    assert await rig.told() == []
    assert await rig.run("(words.there(), starting)") is True
    assert await rig.run("here.connection") == "open"


async def test_the_end_of_a_session_since_the_last_visit_is_reported_at_the_start(rig: Rig) -> None:
    await rig.answer(LOOK, {"status": 401, "json": {"code": "idle_timeout", "detail": "300 s"}})
    await rig.make()
    assert await rig.run("here.start()") is False
    assert await rig.told() == [
        (
            "signedOut",
            {
                "reason": "idle_timeout",
                "detail": "300 s",
                "player": None,
                "isAsleep": False,
                "isOwn": False,
            },
        )
    ]


async def test_the_start_retries_until_the_server_answers(rig: Rig) -> None:
    await rig.run("Math.random = () => 0.999")
    await rig.answer(LOOK, None, {"status": 502, "text": "<html>"}, {"status": 503}, {})
    await rig.make()
    await rig.run("(window.starting = here.start(), null)")
    await rig.wait(4)
    assert await rig.run("starting") is True
    assert await rig.told("unreachable") == [0, 502, 503]
    times = await rig.run("rig.calls.map((call) => call.at - 1_000_000)")
    assert times == pytest.approx([0, 499.5, 1498.5, 3496.5])


async def test_a_second_start_or_a_returning_network_ends_the_pause(rig: Rig) -> None:
    await rig.run("Math.random = () => 0.999")
    await rig.answer(LOOK, None, None, {})
    await rig.make()
    await rig.run("(window.starting = here.start(), null)")
    await rig.run("(window.again = here.start(), null)")
    await rig.run("window.dispatchEvent(new Event('online'))")
    assert await rig.run("Promise.all([starting, again])") == [True, True]
    assert await rig.calls() == [LOOK] * 3


async def test_a_sign_in_during_the_start_takes_precedence(rig: Rig) -> None:
    await rig.answer(LOOK, {"status": 503})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.make()
    await rig.run("(window.starting = here.start(), null)")
    await rig.run("here.signInAsGuest('Ada')")
    assert await rig.run("starting") is True
    await rig.hello()
    await rig.wait(20)
    assert (await rig.calls()).count(LOOK) == 1
    assert [event for event, _ in await rig.told("signedIn", "signedOut")] == ["signedIn"]
    assert len(await rig.sockets()) == 2
    await lets_go_of_the_first_socket(rig)


async def test_a_late_refusal_of_the_start_ends_no_newer_session(rig: Rig) -> None:
    await rig.answer(LOOK, {"status": 401, "json": {"code": "idle_timeout"}})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.make()
    await rig.run("(rig.isPending = true, window.starting = here.start(), rig.isPending = false)")
    await rig.run("here.signInAsGuest('Ada')")
    assert await rig.run("(rig.settle(), starting)") is True
    assert await rig.told("signedOut") == []


async def test_a_late_answer_to_the_start_is_ignored(rig: Rig) -> None:
    await rig.answer(LOOK, {"json": await rig.view()})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.make()
    await rig.run("(rig.isPending = true, window.starting = here.start(), rig.isPending = false)")
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    await rig.run("here.signInAsGuest('Bob')")
    assert await rig.run("(rig.settle(), starting)") is True
    assert await rig.run("[here.player.name, here.session.id]") == ["Bob", "s2"]
    assert len(await rig.sockets()) == 2, "the first one had another cookie"
    await lets_go_of_the_first_socket(rig)


async def test_starting_twice_changes_nothing(rig: Rig) -> None:
    await rig.sign_in()
    await rig.told()
    assert await rig.run("here.start()") is True
    assert [event for event, _ in await rig.told()] == []
    assert len(await rig.sockets()) == 1


@pytest.mark.parametrize(
    ("sign_in", "call", "body"),
    [
        ("signInAsGuest('Ada')", "POST /api/guests", {"name": "Ada"}),
        ("register('Ada', 'correct horse')", "POST /api/players", {"password": "correct horse"}),
        ("signIn('Ada', 'x', {remember: true})", "POST /api/session", {"remember": True}),
        ("signIn('Ada', 'x')", "POST /api/session", {"remember": False}),
    ],
)
async def test_each_way_to_sign_in_makes_its_call_and_connects(
    rig: Rig, sign_in: str, call: str, body: dict[str, Any]
) -> None:
    await rig.answer(call, {"status": 201})
    await rig.make()
    assert await rig.run(f"here.{sign_in}") == await rig.run("rig.view")
    assert body.items() <= (await rig.run("rig.calls[0].body")).items()
    assert await rig.run("rig.calls[0].body.name") == "Ada"
    assert await rig.calls() == [call]
    await rig.hello()
    assert await rig.run("here.connection") == "open"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            {"status": 401, "json": {"code": "bad_credentials", "detail": "No."}},
            [401, "bad_credentials", "No.", None, "No."],
        ),
        (
            {"status": 409, "json": {"code": "name_taken", "detail": "Taken."}},
            [409, "name_taken", "Taken.", None, "Taken."],
        ),
        (
            {"status": 429, "json": {"code": "too_many_attempts"}, "headers": {"Retry-After": "7"}},
            [429, "too_many_attempts", "", 7, "status 429"],
        ),
        (
            {
                "status": 503,
                "json": {},
                "headers": {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"},
            },
            [503, "", "", None, "status 503"],
        ),
        (
            {"status": 502, "text": "<html>come back later</html>"},
            [502, "", "", None, "status 502"],
        ),
        ({"status": 500, "text": "null"}, [500, "", "", None, "status 500"]),
        ({"status": 500, "text": '"broken"'}, [500, "", "", None, "status 500"]),
        (
            {"status": 200, "text": "<html>the hotel's own page</html>"},
            [0, "", "", None, "status 0"],
        ),
        (None, [0, "", "", None, "status 0"]),
    ],
)
async def test_a_refusal_has_status_code_and_detail(
    rig: Rig, answer: dict[str, Any] | None, problem: list[Any]
) -> None:
    await rig.answer("POST /api/session", answer)
    await rig.make()
    said = await rig.run(
        """here.signIn('Ada', 'x').catch((p) => [p instanceof Problem && p instanceof Error,
          p.status, p.code, p.detail, p.retryAfter, p.message])"""
    )
    assert said == [True, *problem]
    assert await rig.told() == []


async def test_a_refusal_keeps_its_further_members(rig: Rig) -> None:
    rule = {"code": "invalid", "rule": "name_too_long", "limit": 40, "length": 41}
    await rig.answer("POST /api/guests", {"status": 422, "json": rule})
    await rig.make()
    assert await rig.run("here.signInAsGuest('x').catch((problem) => problem.details)") == rule


async def test_a_call_without_an_answer_is_given_up(rig: Rig) -> None:
    await rig.make()
    await rig.run("rig.isPending = true")
    await rig.run("(window.trying = here.signIn('Ada', 'x').catch((p) => p.status), null)")
    await rig.wait(31)
    assert await within(TIMEOUT, rig.run("trying")) == 0


async def test_signing_in_again_is_reported_once_after_the_old_session_ends(rig: Rig) -> None:
    await rig.sign_in()
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.told()
    await rig.run("(rig.isPending = true, window.signing = here.signInAsGuest('Bob'), null)")
    await rig.run("rig.isPending = false")
    await rig.hear("signed_out", reason="replaced", detail="")
    await rig.run("(rig.settle(), signing)")
    await rig.hello()
    assert [event for event, _ in await rig.told("signedIn", "signedOut")] == ["signedIn"]
    assert len(await rig.sockets()) == 2
    assert await rig.run("[here.player.name, here.connection]") == ["Bob", "open"]


# Other tabs


async def test_a_sign_in_in_another_tab_signs_this_one_in(rig: Rig) -> None:
    await rig.sign_in()
    await rig.view(session={"id": "s2"}, player={"id": "bob", "name": "Bob"})
    await rig.told()
    await rig.hear("signed_out", reason="replaced", detail="")
    await rig.hello()
    assert [event for event, _ in await rig.told("signedIn", "signedOut")] == ["signedIn"]
    assert await rig.run("[here.player.name, here.session.id]") == ["Bob", "s2"]


async def test_a_replaced_session_without_a_successor_is_over(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer(LOOK, NOT_SIGNED_IN)
    await rig.hear("signed_out", reason="replaced", detail="")
    (end,) = await rig.told("signedOut")
    assert end["reason"] == "replaced"


async def test_another_session_found_at_a_reconnect_is_reported(rig: Rig) -> None:
    await rig.sign_in()
    await rig.told()
    await rig.lose()
    await warn(rig)
    await rig.view(session={"id": "s2"}, player={"id": "bob", "name": "Bob"})
    await rig.reopen()
    (view,) = await rig.told("signedIn")
    assert view["player"]["name"] == "Bob"
    assert await rig.run("[here.player.name, here.session.id]") == ["Bob", "s2"]


async def test_a_sign_out_in_another_tab_is_reported_with_its_reason(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.answer(LOOK, {"status": 401, "json": {"code": "signed_out", "detail": "there"}})
    assert await rig.run("here.look()") is False
    (end,) = await rig.told("signedOut")
    assert (end["reason"], end["detail"], end["player"]["name"]) == ("signed_out", "there", "Ada")


async def test_an_answer_for_an_older_session_changes_nothing(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    old = await rig.run("rig.view")
    await rig.answer(LOOK, {"json": old})
    await rig.run("(rig.isPending = true, window.looking = here.look(), rig.isPending = false)")
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.run("here.signInAsGuest('Bob')")
    await rig.run("(rig.settle(), looking)")
    assert await rig.run("[here.player.name, here.session.id]") == ["Bob", "s2"]


async def test_a_refusal_for_an_older_session_does_not_end_the_present_one(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.answer(LOOK, NOT_SIGNED_IN)
    await rig.run("(rig.isPending = true, window.looking = here.look(), rig.isPending = false)")
    await rig.view(session={"id": "s2"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.run("here.signInAsGuest('Bob')")
    assert await rig.run("(rig.settle(), looking)") is True
    assert await rig.told("signedOut") == []


async def test_a_refusal_counts_after_the_view_was_renewed(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("GET /api/sessions", NOT_SIGNED_IN)
    await rig.run(
        "(rig.isPending = true, window.asking = here.sessions().catch((p) => p.status), null)"
    )
    await rig.hear("session", **await rig.view())
    assert await rig.run("(rig.settle(), asking)") == 401
    assert len(await rig.told("signedOut")) == 1


# Signing out and leaving


@pytest.mark.parametrize(
    ("how", "calls", "reason"),
    [
        ("signOut()", ["DELETE /api/sessions/s1"], "signed_out"),
        ("signOutEverywhere()", [LOOK, "DELETE /api/sessions"], "signed_out_everywhere"),
        ("signOutOne('s1')", ["DELETE /api/sessions/s1"], "signed_out"),
    ],
)
async def test_signing_out_is_reported_once(
    rig: Rig, how: str, calls: list[str], reason: str
) -> None:
    await rig.sign_in()
    await rig.answer(calls[-1], {"status": 204})
    await rig.calls()
    await warn(rig)
    await rig.run(f"here.{how}")
    assert await rig.calls() == calls
    await rig.lose(4503)
    (end,) = await rig.told("signedOut")
    assert (end["reason"], end["player"]["name"]) == (reason, "Ada")
    assert await rig.run("[here.isSignedIn, here.connection]") == [False, "closed"]
    assert await rig.run("[here.warnings, here.expiresIn, here.heldFor]") == [[], math.inf, 0]
    await rig.wait(120)
    assert await rig.calls() == []
    assert len(await rig.sockets()) == 1


async def test_signing_out_another_browser_does_not_end_this_session(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("DELETE /api/sessions/s2", {"status": 204})
    await rig.run("here.signOutOne('s2')")
    assert await rig.run("here.isSignedIn")


async def test_a_refused_sign_out_does_not_end_the_session(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("DELETE /api/sessions/s1", {"status": 503, "json": {"code": "too_busy"}})
    assert await rig.run("here.signOut().catch((problem) => problem.code)") == "too_busy"
    assert await rig.run("here.connection") == "open"
    assert await rig.told("signedOut") == []


async def test_a_late_answer_to_a_sign_out_does_not_end_a_newer_session(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("DELETE /api/sessions/s1", {"status": 204})
    await rig.run("(rig.isPending = true, window.going = here.signOut(), rig.isPending = false)")
    await rig.hear("signed_out", reason="signed_out", detail="")
    await rig.view(session={"id": "s2"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.run("here.signInAsGuest('Bob')")
    await rig.run("(rig.settle(), going)")
    assert await rig.run("here.session.id") == "s2"
    assert len(await rig.told("signedOut")) == 1


@pytest.mark.parametrize("is_remembered", [True, False])
async def test_a_remembered_session_that_timed_out_is_asleep(rig: Rig, is_remembered: bool) -> None:
    await rig.view(session={"remember": is_remembered})
    await rig.sign_in()
    await rig.hear("signed_out", reason="idle_timeout", detail="")
    (end,) = await rig.told("signedOut")
    assert end["isAsleep"] is is_remembered
    if is_remembered:
        assert await rig.run("here.look()") is True
        await rig.hello()
        assert await rig.run("here.status") == "active"


# The warning


async def test_the_time_of_a_warning_is_read_from_the_clock_and_not_from_timers(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig, 60)
    assert await rig.told("warning") == [{"reason": "idle_timeout", "left": 60}]
    assert await rig.run("[here.status, here.expiresIn]") == ["warned", 60]
    await rig.sleep(41.5)
    assert await rig.run("here.expiresIn") == pytest.approx(18.5)
    (warning,) = await rig.run("here.warnings")
    assert warning == {"reason": "idle_timeout", "left": pytest.approx(18.5)}
    await rig.answer(LOOK, None)
    await rig.sleep(100)
    assert await rig.run("here.expiresIn") == 0
    assert (await rig.run("here.warnings"))[0]["left"] == pytest.approx(-81.5)


async def test_a_repeated_warning_corrects_the_time(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig, 60)
    await rig.wait(1)
    await warn(rig, 57)
    assert await rig.run("here.warnings.map(({ left }) => left)") == [57]


async def test_a_look_reports_a_new_end_as_a_warning_and_the_same_one_not(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await warn(rig, 60)
    await rig.told()
    await rig.wait(10)
    for left in (50.2, 20):
        view = await rig.view(session={"expires_in": left, "warns_in": 0})
        await rig.hear("session", **view)
    assert await rig.told("warning") == [{"reason": "idle_timeout", "left": 20}]
    assert await rig.run("here.warnings.map(({ left }) => left)") == [20]


async def test_two_warnings_are_ordered_by_their_ends(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig, 60, "session_lifetime")
    await rig.wait(10)
    await warn(rig, 30)
    assert await rig.run("here.warnings") == [
        {"reason": "idle_timeout", "left": 30},
        {"reason": "session_lifetime", "left": 50},
    ]
    await rig.hear("extended", expires_in=50)
    assert await rig.run("here.warnings") == [{"reason": "session_lifetime", "left": 50}]
    assert await rig.told("extended") == [{"expiresIn": 50}]


@pytest.mark.parametrize("answer", ["extended", "pong", "session", "held and extended"])
async def test_any_message_with_more_time_withdraws_the_warning(rig: Rig, answer: str) -> None:
    await rig.sign_in()
    await warn(rig)
    if answer == "session":
        await rig.hear("session", **await rig.view())
    else:
        await rig.hear(answer.split()[-1], expires_in=300)
    await rig.hear("pong", expires_in=300)
    assert await rig.told("extended") == [{"expiresIn": 300}]
    assert await rig.run("[here.status, here.warnings]") == ["active", []]


async def test_a_page_that_connects_during_a_warning_reports_it_from_hello(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.redial()
    await rig.view(player={"status": "warned"}, session={"expires_in": 33, "warns_in": 0})
    await rig.hello(warning={"reason": "idle_timeout", "expires_in": 33})
    assert await rig.run("[here.status, here.warnings.length]") == ["warned", 1]
    assert await rig.told("warning") == [{"reason": "idle_timeout", "left": 33}]


async def test_a_standing_warning_is_not_reported_again_by_a_new_connection(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig, 60)
    await rig.told()
    await rig.lose()
    await rig.redial()
    left = (await rig.run("here.warnings"))[0]["left"]
    await rig.view(player={"status": "warned"}, session={"expires_in": left, "warns_in": 0})
    await rig.hello(warning={"reason": "idle_timeout", "expires_in": left - 0.1})
    await warn(rig, left - 0.2)  # follows, as for every tab that connects while warned
    assert await rig.told("warning") == []
    assert await rig.run("here.warnings.map(({ left }) => left)") == [pytest.approx(left - 0.2)]
    # One that strikes at another time is news.
    await warn(rig, 120)
    assert await rig.told("warning") == [{"reason": "idle_timeout", "left": 120}]


async def test_an_overdue_end_is_asked_for_and_not_assumed(rig: Rig) -> None:
    await rig.sign_in()
    late = await rig.view(player={"status": "warned"}, session={"expires_in": 0, "warns_in": 0})
    await rig.hear("session", **late)
    await warn(rig, 60)
    await rig.calls()
    await rig.wait(61.9)
    assert await rig.calls() == []
    await rig.wait(0.2)
    assert await rig.calls() == [LOOK]
    await rig.sleep(3600)
    assert await rig.calls() == [LOOK]
    assert await rig.run("here.isSignedIn")
    await rig.answer(LOOK, {"status": 401, "json": {"code": "idle_timeout"}})
    await rig.wait(4.1)
    (end,) = await rig.told("signedOut")
    assert end["reason"] == "idle_timeout"


async def test_an_answer_older_than_a_warning_does_not_withdraw_it(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.run("rig.isPending = true")
    await rig.become("visible")
    await rig.redial()
    await rig.hello()
    await warn(rig, 60)
    await rig.sent()
    await rig.run("(rig.isPending = false, rig.settle())")
    await rig.wait(0)
    assert [each["reason"] for each in await rig.run("here.warnings")] == ["idle_timeout"]
    assert await rig.sent_types() == ["look"], "who told first is asked which of them is true"


async def test_without_a_socket_the_warning_and_the_end_are_requested(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.calls()
    await rig.wait(235)
    assert await rig.calls() == []
    await rig.view(player={"status": "warned"}, session={"expires_in": 59, "warns_in": 0})
    await rig.wait(6)
    assert await rig.calls() == [LOOK]
    (warning,) = await rig.told("warning")
    assert (warning["reason"], warning["left"]) == ("idle_timeout", 59)
    await rig.answer(LOOK, {"status": 401, "json": {"code": "idle_timeout"}})
    await rig.wait(66)
    (end,) = await rig.told("signedOut")
    assert end["reason"] == "idle_timeout"


async def test_an_activity_sent_by_a_request_is_not_sent_again_by_the_socket(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer(ACTIVITY, {})
    await rig.lose()
    await rig.wait(11)
    await rig.calls()
    await rig.press()
    await rig.wait(0)
    assert await rig.calls() == ["POST /api/session/activity"]
    await rig.redial()
    await rig.hello()
    assert "ping" not in await rig.sent_types()


async def test_an_end_is_reported_as_own_if_this_page_asked_for_it(rig: Rig) -> None:
    out = "DELETE /api/sessions/s1"

    async def is_own() -> bool:
        (end,) = await rig.told("signedOut")
        assert end["reason"] == "signed_out"
        return bool(end["isOwn"])

    await rig.sign_in()
    await rig.answer(out, {"status": 204})
    await rig.run("here.signOut()")
    assert await is_own()

    await rig.sign_in()
    await rig.lose(4503)
    assert not await is_own()

    # The answer is lost; the end is known from the next connection.
    await rig.sign_in()
    await rig.answer(out, None)
    await rig.run("here.signOut().catch(() => null)")
    await rig.lose(4503)
    assert await is_own()


async def test_signing_out_ends_no_session_that_began_in_another_tab(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.answer("DELETE /api/sessions/s1", {"status": 404, "json": {"code": "not_found"}})
    await rig.run("here.signOut()")
    assert [end["reason"] for end in await rig.told("signedOut")] == ["signed_out"]

    await rig.sign_in()
    await rig.calls()
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    await rig.run("here.signOutEverywhere().catch(() => null)")
    assert await rig.calls() == [LOOK]
    assert await rig.run("here.player.name") == "Bob"


@pytest.mark.parametrize("answer", [{}, {"session": {}}, None], ids=str)
async def test_an_answer_that_is_no_session_view_is_not_from_the_server(
    rig: Rig, answer: Any
) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.wait(11)
    # As from a proxy; as text, because without `json` the rig answers with its own view.
    odd = {"text": json.dumps(answer)}
    for call in (LOOK, ACTIVITY):
        await rig.answer(call, odd)
    await rig.calls()
    await rig.run("here.stay()")
    await rig.wait(1)
    assert await rig.calls() == [ACTIVITY]
    everywhere = "here.signOutEverywhere().catch((problem) => problem.status)"
    assert await rig.run(everywhere) == 0
    assert await rig.run("here.look()") is True
    assert await rig.calls() == [LOOK, LOOK]
    assert await rig.run("here.player.name") == "Ada"
    assert await rig.told("signedOut") == []


async def test_a_password_is_changed_only_for_the_player_that_the_page_shows(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("PUT /api/password", {"status": 204})
    await rig.calls()
    await rig.run("here.changePassword('correct horse', 'battery staple')")
    assert await rig.calls() == [LOOK, "PUT /api/password"]
    assert await rig.run("here.connection") == "open"
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    change = "here.changePassword('correct horse', 'battery staple').catch(({code}) => code)"
    assert await rig.run(change) == "replaced"
    assert await rig.calls() == [LOOK]
    assert await rig.run("here.player.name") == "Bob"


async def test_an_answer_for_another_player_is_discarded(rig: Rig) -> None:
    await rig.sign_in()
    await rig.answer("GET /api/sessions", {"status": 200, "json": {"sessions": []}})
    await rig.run("rig.isPending = true")
    await rig.run("(window.asked = here.sessions().catch((p) => p.code), null)")
    await rig.run("rig.isPending = false")
    await rig.view(session={"id": "s2"}, player={"name": "Bob"})
    await rig.answer("POST /api/guests", {"status": 201})
    await rig.run("here.signInAsGuest('Bob').then(() => null)")
    await rig.run("rig.settle()")
    assert await within(TIMEOUT, rig.run("asked")) == "not_signed_in"


async def test_two_stays_within_a_second_are_one(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig)
    await rig.press()
    await rig.run("(here.stay(), here.stay())")
    await rig.wait(0.9)
    await rig.run("here.stay()")
    assert await rig.sent() == [PING]
    await rig.wait(0.2)
    await rig.run("here.stay()")
    assert await rig.sent() == [PING]


async def test_stay_uses_a_request_if_the_connection_does_not_answer(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig)
    await rig.answer(ACTIVITY, {})
    await rig.calls()
    await rig.run("here.stay()")
    await rig.wait(2.9)
    assert await rig.calls() == []
    await rig.wait(0.2)
    assert await rig.calls() == [ACTIVITY]
    assert await rig.told("extended") == [{"expiresIn": 300}]


async def test_stay_uses_no_request_if_the_connection_answers(rig: Rig) -> None:
    await rig.sign_in(is_serving=True)
    await warn(rig)
    await rig.calls()
    await rig.run("here.stay()")
    await rig.wait(5)
    assert await rig.calls() == []
    assert len(await rig.told("extended")) == 1


async def test_stay_uses_a_request_at_once_without_a_connection(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig)
    await rig.lose()
    await rig.answer(ACTIVITY, {})
    await rig.calls()
    await rig.run("here.stay()")
    await rig.wait(0)
    assert await rig.calls() == [ACTIVITY]
    assert await rig.told("extended") == [{"expiresIn": 300}]


async def test_stay_is_sent_as_soon_as_the_network_returns(rig: Rig) -> None:
    await rig.sign_in()
    await warn(rig)
    await rig.lose()
    await rig.answer(ACTIVITY, None)
    await rig.press()
    await rig.redial()
    await rig.hello(warning={"reason": "idle_timeout", "expires_in": 40})
    assert await rig.sent() == [PING]


async def test_the_own_away_status_is_asked_for_without_the_lobby(rig: Rig) -> None:
    await rig.sign_in()
    for _ in range(6):
        await rig.wait(20)
        await rig.hear("anything")
    assert await rig.sent() == []
    await rig.wait(1.1)
    assert await rig.sent() == [{"type": "look"}]
    await rig.hear("session", **await rig.view(player={"status": "away"}))
    assert await rig.run("here.status") == "away"


# Holds


async def test_a_hold_lasts_for_the_granted_time(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("here.hold(900, {why: 'a cutscene'})")
    assert await rig.sent() == [{"type": "hold", "seconds": 900, "why": "a cutscene"}]
    assert await rig.run("here.heldFor") == 0
    await rig.hear("held", seconds=600, expires_in=880)
    assert await rig.told("held") == [{"seconds": 600}]
    await rig.sleep(20)
    await rig.hear("anything")
    await rig.sleep(20)
    assert await rig.run("[here.heldFor, here.expiresIn]") == [560, 840]
    assert await rig.run("[here.status, here.isAwayOnPurpose]") == ["active", False]
    await rig.run("here.release()")
    assert await rig.sent() == [{"type": "release"}]
    await rig.hear("held", seconds=0, expires_in=240)
    assert await rig.run("[here.heldFor, here.expiresIn]") == [0, 240]


async def test_be_right_back_is_an_activity_and_then_a_hold_shown_as_away(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("here.hold(600, {away: true})")
    assert await rig.sent() == [PING, {"type": "hold", "seconds": 600, "away": True}]
    await rig.hear("pong", expires_in=300)
    await rig.told()
    await rig.hear("held", seconds=600, expires_in=780)
    assert await rig.run("[here.status, here.isAwayOnPurpose]") == ["away", True]
    assert await rig.told("status", "held") == [("held", {"seconds": 600}), ("status", "away")]


async def be_right_back(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("here.hold(600, {away: true})")
    await rig.hear("pong", expires_in=300)
    await rig.hear("held", seconds=600, expires_in=780)
    await rig.sent()
    await rig.told()


async def test_input_right_after_be_right_back_does_not_end_it_and_a_later_act_does(
    rig: Rig,
) -> None:
    await be_right_back(rig)
    await rig.press()
    await rig.move(10, 10)
    await rig.move(20, 20)
    assert await rig.sent() == []
    await rig.wait(2.1)
    await rig.move(30, 30)
    await rig.wheel()
    assert await rig.sent() == []
    await rig.press()
    await rig.press()
    assert await rig.sent() == [{"type": "release"}, PING]
    await rig.hear("held", seconds=0, expires_in=180)
    await rig.hear("pong", expires_in=300)
    assert await rig.told("status") == ["active"]
    assert await rig.run("[here.heldFor, here.isAwayOnPurpose]") == [0, False]


async def test_releasing_be_right_back_is_an_activity(rig: Rig) -> None:
    await be_right_back(rig)
    await rig.run("here.release()")
    assert await rig.sent() == [{"type": "release"}, PING]


async def test_a_hold_requested_without_a_connection_is_sent_with_its_remaining_time(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.run("here.hold(600, {away: true})")
    await rig.redial()
    await rig.wait(9)
    await rig.hello()
    (hold,) = await rig.sent()
    since = await rig.run("(performance.now() - rig.sockets[0].madeAt) / 1000")
    assert hold == {"type": "hold", "seconds": pytest.approx(600 - since), "away": True}
    await rig.lose()
    await rig.reopen()
    assert await rig.sent() == [], "and once"


async def test_a_hold_that_ends_before_the_reconnect_is_not_sent(
    rig: Rig,
) -> None:
    await rig.sign_in()
    await rig.lose()
    await rig.run("here.hold(5)")
    await rig.redial()
    await rig.wait(6)
    await rig.hello()
    await rig.lose()
    await rig.run("(here.hold(600), here.release())")
    await rig.reopen()
    assert await rig.sent("hold") == []


async def test_an_activity_without_a_connection_ends_be_right_back_at_the_reconnect(
    rig: Rig,
) -> None:
    await be_right_back(rig)
    await rig.wait(3)
    await rig.lose()
    await rig.press()
    await rig.view(player={"status": "away"}, session={"held_for": 590, "held_away": True})
    await rig.reopen()
    assert await rig.sent() == [PING]
    await rig.hear("pong", expires_in=300)
    assert await rig.run("[here.status, here.heldFor, here.isAwayOnPurpose]") == [
        "active",
        0,
        False,
    ]


async def test_be_right_back_of_another_tab_is_read_by_a_look(rig: Rig) -> None:
    await rig.sign_in(watch=["lobby"])
    ada = {"id": "ada", "name": "Ada", "guest": True, "status": "active"}
    await rig.hear("roster", topic="lobby", version=1, players=[ada], total=1)
    await rig.sent()
    changed = [{"id": "ada", "status": "away", "idle_for": 120}]
    await rig.hear("presence", topic="lobby", version=2, changed=changed, total=1)
    assert await rig.sent() == [{"type": "look"}]
    view = await rig.view(player={"status": "away"}, session={"held_for": 595, "held_away": True})
    await rig.hear("session", **view)
    assert await rig.run("[here.isAwayOnPurpose, here.heldFor]") == [True, 595]
    # The lobby says that the player is active again.
    changed = [{"id": "ada", "status": "active"}]
    await rig.hear("presence", topic="lobby", version=3, changed=changed, total=1)
    assert await rig.sent() == [{"type": "look"}]
    view = await rig.view(player={"status": "active"}, session={"held_for": 0})
    await rig.hear("session", **view)
    assert await rig.run("[here.isAwayOnPurpose, here.heldFor]") == [False, 0]


# Listeners


async def test_a_listener_can_be_removed_and_a_throwing_one_stops_no_other(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run(
        """(window.heard = [],
          here.on('warning', () => { throw new Error('a bug of the game'); }),
          here.on('warning', () => heard.push('second')),
          window.off = here.on('warning', () => heard.push('third')),
          null)"""
    )
    await warn(rig)
    await rig.run("(off(), off())")
    await warn(rig, 50)
    assert await rig.run("heard") == ["second", "third", "second"]
    assert await rig.run("rig.errors.splice(0)") == ["a bug of the game"] * 2
    assert len(await rig.told("warning")) == 2


async def test_a_listener_may_remove_itself_and_add_others(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run(
        """(window.heard = [], window.once = here.on('warning', () => {
          once();
          heard.push('once');
          here.on('warning', () => heard.push('later'));
        }), null)"""
    )
    await warn(rig)
    await warn(rig, 50)
    assert await rig.run("heard") == ["once", "later"]


async def test_messages_of_a_game_pass_in_both_directions(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("(window.heard = [], here.on('message', (message) => heard.push(message)), null)")
    await rig.hear("moved", to=[1, 2])
    assert await rig.run("heard") == [{"type": "moved", "to": [1, 2]}]
    assert await rig.run("here.send({type: 'move', to: [1, 2]})") is True
    assert await rig.sent() == [{"type": "move", "to": [1, 2]}]
    await rig.lose()
    assert await rig.run("here.send({type: 'move'})") is False


async def test_closing_stops_every_timer_listener_and_connection(rig: Rig) -> None:
    await rig.sign_in(watch=["lobby"])
    await warn(rig)
    await rig.run("here.stay()")
    await rig.run("here.close()")
    await rig.sent()
    await rig.calls()
    await rig.told()
    assert await rig.run("rig.clock.timers.size") == 0
    assert (await rig.sockets())[0]["closedWith"] == 1000
    await rig.press()
    await rig.become("visible")
    for event in ("online", "offline", "pagehide", "pageshow", "gamepadconnected"):
        await rig.run(
            "window.dispatchEvent(new PageTransitionEvent(argument, {persisted: true}))", event
        )
    await rig.wait(600)
    assert await rig.sent() + await rig.calls() + await rig.told() == []
    assert await rig.run("rig.beacons") == []
    assert len(await rig.sockets()) == 1


@pytest.mark.parametrize(
    "event", ["connection", "connection: open", "warning", "signedIn", "status", "message"]
)
async def test_a_listener_may_close_the_client(rig: Rig, event: str) -> None:
    await rig.answer(LOOK, {})
    await rig.make()
    await rig.run(
        """(([name, value]) => {
          here.on(name, (what) => { if (value === undefined || what === value) here.close(); });
        })(argument)""",
        event.split(": "),
    )
    await rig.run("here.start()")
    if await rig.run("rig.sockets.length") > 0:
        await rig.hello(warning={"reason": "idle_timeout", "expires_in": 40})
    assert await rig.run("[here.isSignedIn, here.connection, rig.clock.timers.size]") == [
        False,
        "closed",
        0,
    ]


@pytest.mark.parametrize("answer", [{}, NOT_SIGNED_IN, {"status": 503, "json": {}}])
async def test_closing_ends_a_pending_start(rig: Rig, answer: dict[str, Any]) -> None:
    await rig.answer(LOOK, answer)
    await rig.make()
    await rig.run("(rig.isPending = true, window.starting = here.start(), null)")
    await rig.run("here.close()")
    await rig.run("rig.settle()")
    await rig.wait(60)
    assert await rig.run("Promise.race([starting, Promise.resolve('never')])") is False
    await lets_go_of_the_first_socket(rig)
    assert len(await rig.sockets()) == 1
    assert await rig.run("rig.clock.timers.size") == 0


async def test_two_clients_in_a_page_are_independent(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("(window.other = new StillHere(), other.start())")
    await rig.hello()
    await rig.run("here.close()")
    await rig.press()
    assert await rig.sent() == [PING]
    assert await rig.run("[here.connection, other.connection]") == ["closed", "open"]


# The page


async def test_pagehide_sends_a_beacon_and_pageshow_reconnects(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert await rig.run("rig.beacons") == ["/api/session/leave"]
    assert (await rig.sockets())[0]["closedWith"] == 1000
    await rig.wait(600)
    assert len(await rig.sockets()) == 1
    await rig.run("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: false}))")
    assert len(await rig.sockets()) == 1
    await rig.run("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await rig.hello()
    assert await rig.run("[here.connection, here.status]") == ["open", "active"]


async def test_pagehide_without_a_session_sends_no_beacon(rig: Rig) -> None:
    await rig.answer(LOOK, NOT_SIGNED_IN)
    await rig.make()
    await rig.run("here.start()")
    await rig.run("window.dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert await rig.run("rig.beacons") == []
    await rig.answer(LOOK, {})
    await rig.run("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await rig.hello()
    assert await rig.run("here.isSignedIn"), "another tab has signed in meanwhile"


async def test_a_tab_that_is_shown_again_sends_a_look_and_no_activity(rig: Rig) -> None:
    await rig.sign_in()
    await rig.become("hidden")
    assert await rig.sent() == []
    await rig.become("visible")
    assert await rig.sent() == [{"type": "look"}]
    await rig.lose()
    await rig.calls()
    await rig.become("visible")
    assert await rig.calls() == [LOOK]


async def test_a_tab_that_is_shown_again_reconnects_at_once(rig: Rig) -> None:
    await rig.sign_in()
    await rig.lose_for_long()
    before = len(await rig.sockets())
    await rig.become("hidden")
    assert len(await rig.sockets()) == before
    await rig.become("visible")
    assert len(await rig.sockets()) == before + 1


async def test_a_tab_that_is_shown_again_finds_a_session_of_another_tab(rig: Rig) -> None:
    await rig.answer(LOOK, NOT_SIGNED_IN, {})
    await rig.make()
    assert await rig.run("here.start()") is False
    await rig.become("visible")
    await rig.hello()
    assert len(await rig.told("signedIn")) == 1
    assert await rig.run("here.connection") == "open"


# Questions


async def test_the_own_sessions_and_history_are_passive_calls(rig: Rig) -> None:
    await rig.sign_in()
    await rig.calls()
    await rig.answer("GET /api/sessions", {"json": {"sessions": [{"id": "s1"}]}})
    await rig.answer("GET /api/players/ada/history", {"json": {"changes": [], "next": "x"}})
    assert await rig.run("here.sessions()") == [{"id": "s1"}]
    assert await rig.run("here.history()") == {"changes": [], "next": "x"}
    await rig.run("here.history({before: 'x&y', limit: 5})")
    assert await rig.calls() == [
        "(GET /api/sessions)",
        "(GET /api/players/ada/history)",
        "(GET /api/players/ada/history?limit=5&before=x%26y)",
    ]


async def test_a_history_without_a_session_is_a_problem(rig: Rig) -> None:
    await rig.make()
    assert await rig.run("here.history().catch((problem) => problem.code)") == "not_signed_in"
