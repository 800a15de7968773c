"""Rooms in a page: events, actions, and what a reconnect keeps."""

from typing import Any

import pytest

from tests.static.rig import Rig

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TOPIC = "room:r1"
ROOM = "here.rooms.joined.get('r1')"


def info(**more: Any) -> dict[str, Any]:
    """The room object: Ada has seat 0, Kim seat 1."""
    seats = {str(seat): seated(name) for seat, name in enumerate(("Ada", "Kim"))}
    room = {"id": "r1", "game": "chess", "private": False, "state": "playing", "spectators": 0}
    return room | {"host": "ada", "seats": seats} | more


def seated(name: str, **more: Any) -> dict[str, Any]:
    player = {"id": name.lower(), "name": name, "guest": True}
    return {"player": player, "status": "active"} | more


def match(view: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "m1", "number": 1, "waits_for": [0], "view": view} | more


async def hear_room(rig: Rig, version: int = 1, **more: Any) -> None:
    chat = more.pop("chat", [])
    await rig.hear("room", topic=TOPIC, version=version, room=info(**more), chat=chat)


async def in_room(rig: Rig, **more: Any) -> None:
    """Ada is in room r1, in seat 0, with version 1."""
    await rig.sign_in()
    await rig.run("(window.joining = here.rooms.join('r1'), null)")
    await rig.hear("joined", room="r1", seat=0)
    await hear_room(rig, **more)
    await rig.done("join")
    assert await rig.run("joining.then((room) => room === here.rooms.joined.get('r1'))")
    await rig.sent()
    await rig.told()


async def hear_change(rig: Rig, version: int, **fields: Any) -> None:
    await rig.hear("room_changed", topic=TOPIC, version=version, **fields)


async def ask(rig: Rig, what: str) -> None:
    """Begin a call; `outcomes` has its result later."""
    await rig.run(
        f"""(window.outcomes ??= [], window.outcomes.push(null),
        ((at) => Promise.resolve({what}).then(
          () => {{ outcomes[at] = 'done'; }},
          (problem) => {{ outcomes[at] = [problem.status, problem.code, problem.detail]; }},
        ))(outcomes.length - 1), null)"""
    )


async def outcomes(rig: Rig) -> Any:
    return await rig.run("outcomes")


# Joining


async def test_a_join_resolves_after_joined_and_the_room(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.join('r1', {seat: 1}).then((room) => { window.room = room; })")
    assert await rig.sent() == [{"type": "join", "room": "r1", "seat": 1}]
    await rig.hear("joined", room="r1", seat=1)
    assert await rig.run("[outcomes[0], here.rooms.joined.size]") == [None, 0]
    await hear_room(rig, host="kim", chat=[{"id": 1, "notice": "joined"}])
    assert await outcomes(rig) == [None]
    await rig.done("join")
    assert await outcomes(rig) == ["done"]
    assert await rig.run("[room.id, room.seat, room.info.host, room.chat.length, room.view]") == [
        "r1",
        0,
        "kim",
        1,
        None,
    ]
    assert len(await rig.told("room")) == 1


async def test_the_own_seat_follows_the_room(rig: Rig) -> None:
    await in_room(rig)
    assert await rig.run(f"[{ROOM}.seat, {ROOM}.own.player.name]") == [0, "Ada"]
    await hear_change(rig, 2, room={"seats": {"0": seated("Kim"), "1": seated("Ada")}})
    assert await rig.run(f"[{ROOM}.seat, {ROOM}.own.player.name]") == [1, "Ada"]
    await hear_change(rig, 3, room={"seats": {"1": {"player": None, "status": None}}})
    assert await rig.run(f"[{ROOM}.seat, {ROOM}.own]") == [None, None]


@pytest.mark.parametrize(
    ("options", "sent"),
    [("{}", {}), ("{spectate: true}", {"spectate": True}), ("{seat: 0}", {"seat": 0})],
)
async def test_a_join_can_ask_for_a_seat_or_to_spectate(
    rig: Rig, options: str, sent: dict[str, Any]
) -> None:
    await rig.sign_in()
    await ask(rig, f"here.rooms.join('r1', {options})")
    assert await rig.sent() == [{"type": "join", "room": "r1"} | sent]


async def test_a_refused_join_rejects_with_its_code(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.join('r1')")
    await ask(rig, "here.rooms.join('r2')")
    await rig.refuse("join", "no_such_room", "It has closed.")
    assert await outcomes(rig) == [[400, "no_such_room", "It has closed."], None]
    await hear_room(rig)
    assert await rig.run("here.rooms.joined.size") == 0, "what comes of it now is nobody's"
    await rig.lose()
    await rig.sent()
    await rig.reopen()
    assert await rig.sent("join") == [{"type": "join", "room": "r2"}]


async def test_a_seat_that_is_refused_leaves_the_spectator_where_they_were(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, "here.rooms.join('r1', {seat: 1})")
    await hear_room(rig, 2)
    assert await outcomes(rig) == [None], "that was not the answer"
    await rig.refuse("join", "seat_taken", "Taken.")
    assert await outcomes(rig) == [[400, "seat_taken", "Taken."]]
    assert await rig.run("here.rooms.joined.size") == 1


async def test_a_join_waits_for_a_room_that_follows_the_answer(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.join('r1')")
    await rig.hear("joined", room="r1", seat=0)
    await rig.done("join")
    assert await outcomes(rig) == [None]
    await hear_room(rig)
    assert await outcomes(rig) == ["done"]


async def test_a_join_does_not_resolve_with_an_earlier_room(
    rig: Rig,
) -> None:
    await in_room(rig)
    await ask(rig, "here.rooms.join('r1', {seat: 1})")
    await hear_room(rig, 2)
    await rig.hear("joined", room="r1", seat=1)
    await rig.done("join")
    assert await outcomes(rig) == [None]
    await hear_room(rig, 3)
    assert await outcomes(rig) == ["done"]


async def test_a_join_before_the_connection_is_sent_with_it(rig: Rig) -> None:
    await rig.answer("GET /api/session", {})
    await rig.make()
    await rig.run("here.start()")
    await ask(rig, "here.rooms.join('r1')")
    await rig.hello()
    assert await rig.sent() == [{"type": "join", "room": "r1"}]
    await rig.hear("joined", room="r1")
    await hear_room(rig)
    await rig.done("join")
    assert await outcomes(rig) == ["done"]


# Events


async def test_times_left_become_instants_at_any_depth(rig: Rig) -> None:
    await rig.run("rig.clock.now = 5_000_000")
    view = {"deep": {"turn_in": 2.5}, "list": [{"x_in": 1}], "in": 3, "plug_in": "word"}
    await in_room(
        rig,
        closes_in=10,
        match=match(view),
        seats={"0": seated("Ada", move_in=48, absent={"claim_in": 0})},
    )
    assert await rig.run(f"[{ROOM}.info, {ROOM}.view]") == [
        info(match={"id": "m1", "number": 1, "waits_for": [0]})
        | {
            "closes_at": 5_010_000,
            "seats": {"0": seated("Ada", move_at=5_048_000, absent={"claim_at": 5_000_000})},
        },
        {"deep": {"turn_at": 5_002_500}, "list": [{"x_in": 1}], "in": 3, "plug_in": "word"},
    ]
    await rig.wait(1)
    patch: dict[str, Any] = {
        "closes_in": None,
        "seats": {"0": {"move_in": 47, "absent": None, "asked": {}}},
    }
    await hear_change(rig, 2, room=patch, view={"deep": {"turn_in": None, "next_in": 1}})
    assert await rig.run(
        f"[{ROOM}.info.closes_at ?? null, {ROOM}.info.seats, {ROOM}.view.deep]"
    ) == [
        None,
        {"0": seated("Ada", move_at=5_048_000, asked={})},
        {"next_at": 5_002_000},
    ]
    assert "closes_at" not in await rig.run(f"{ROOM}.info")


async def test_patches_merge_as_in_the_rfc(rig: Rig) -> None:
    cases: list[tuple[Any, Any, Any]] = [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ]  # RFC 7396, appendix A
    made = await rig.evaluate(
        """async (cases) => {
          const { mergePatch } = await import('/static/stillhere/patch.js');
          return cases.map(([before, patch]) => mergePatch(before, patch));
        }""",
        cases,
    )
    assert made == [expected for _, _, expected in cases]


async def test_a_patch_changes_nothing_that_a_page_holds_and_no_prototype(rig: Rig) -> None:
    found = await rig.evaluate(
        """async () => {
          const { mergePatch, toInstants } = await import('/static/stillhere/patch.js');
          const before = { a: { b: 1 }, same: {} };
          const evil = JSON.parse('{"a": {"b": 2}, "__proto__": {"bad": true}}');
          const after = mergePatch(before, toInstants(evil));
          return [before.a.b, after.a.b, after.same === before.same, after.bad, {}.bad ?? null];
        }"""
    )
    assert found[:3] == [1, 2, True]
    assert found[3:] == [None, None]


async def test_a_game_may_have_diffs_of_its_own(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run(
        """(window.joining = here.rooms.join('r1', {apply: (view, diff) => (
        {cells: [...view.cells, ...diff.more], end_at: diff.end_at})}), null)"""
    )
    await rig.hear("joined", room="r1")
    await hear_room(rig, match=match({"cells": [1]}))
    now = await rig.run("rig.clock.now")
    await hear_change(rig, 2, view={"more": [2, 3], "end_in": 1})
    assert await rig.run(f"{ROOM}.view") == {"cells": [1, 2, 3], "end_at": now + 1000}


async def test_a_game_that_cannot_take_a_diff_gets_the_whole_view(rig: Rig) -> None:
    await rig.sign_in()
    await rig.run(
        """(window.joining = here.rooms.join('r1', {
          apply: () => { throw new Error('a bug of the game'); }}), null)"""
    )
    await rig.hear("joined", room="r1")
    await hear_room(rig, match=match({"cell": 1}))
    await rig.sent()
    await hear_change(rig, 2, view={"cell": 2})
    assert await rig.sent() == [{"type": "watch", "topic": TOPIC}]
    assert await rig.run(f"{ROOM}.view.cell") == 1
    await hear_room(rig, 2, match=match({"cell": 2}))
    assert await rig.run(f"{ROOM}.view.cell") == 2
    assert await rig.run("rig.errors.splice(0)") == ["a bug of the game"]


async def test_a_room_without_a_match_has_no_view(rig: Rig) -> None:
    await in_room(rig, match=match({"cell": 1}))
    await hear_change(rig, 2, room={"match": None, "state": "open"})
    assert await rig.run(f"[{ROOM}.view, {ROOM}.info.state]") == [None, "open"]


@pytest.mark.parametrize("version", [1, 3, 100])
async def test_a_gap_asks_once_for_the_room_and_ignores_changes_until_it_comes(
    rig: Rig, version: int
) -> None:
    await in_room(rig, match=match({"cell": 1}))
    await hear_change(rig, version, view={"cell": 2})
    assert await rig.sent() == [{"type": "watch", "topic": TOPIC}]
    await hear_change(rig, version + 1, view={"cell": 3})
    await rig.hear("said", topic=TOPIC, version=2, line={"id": 9, "text": "x"})
    assert await rig.sent() == []
    assert await rig.run(f"[{ROOM}.view.cell, {ROOM}.chat.length]") == [1, 0]
    await hear_room(rig, 7, match=match({"cell": 4}))
    await hear_change(rig, 8, view={"cell": 5})
    assert await rig.run(f"{ROOM}.view.cell") == 5
    assert await rig.sent() == []


async def test_lines_of_chat_have_versions_and_the_last_fifty_are_kept(
    rig: Rig,
) -> None:
    await in_room(rig)
    for version in range(2, 54):
        await rig.hear("said", topic=TOPIC, version=version, line={"id": version, "text": "x"})
    lines = await rig.run(f"{ROOM}.chat.map((line) => line.id)")
    assert lines == list(range(4, 54))
    heard = await rig.told("said")
    assert [each["line"]["id"] for each in heard] == list(range(2, 54))
    assert await rig.sent() == []


async def test_messages_about_other_and_left_rooms_are_ignored(rig: Rig) -> None:
    await in_room(rig)
    await rig.hear("room", topic="room:r2", version=1, room=info(id="r2"), chat=[])
    await ask(rig, f"{ROOM}.leave()")
    await hear_change(rig, 2, room={"spectators": 4})
    await hear_room(rig, 3)
    assert await rig.run("here.rooms.joined.size") == 0
    assert await rig.told("room") == []
    await rig.hear("left", room="r1")
    await rig.done("leave")
    assert await outcomes(rig) == ["done"]


async def test_a_closing_room_is_reported_once_and_removed(rig: Rig) -> None:
    await in_room(rig)
    for _ in range(2):
        await rig.hear("room_closed", topic=TOPIC, reason="failed", detail="Sorry.")
    assert await rig.told("roomClosed") == [{"room": "r1", "reason": "failed", "detail": "Sorry."}]
    assert await rig.run("here.rooms.joined.size") == 0
    await rig.lose()
    await rig.reopen()
    assert await rig.sent("join", "watch") == []


# Actions


ACTS = [
    ("act({column: 3})", {"type": "act", "action": {"column": 3}}),
    ("start()", {"type": "start"}),
    ("say('hello')", {"type": "say", "text": "hello"}),
    ("claim('win')", {"type": "claim", "result": "win"}),
    ("pulse(1)", {"type": "pulse", "seat": 1}),
    ("brb(60)", {"type": "brb", "seconds": 60}),
]


@pytest.mark.parametrize(("act", "message"), ACTS)
async def test_an_act_resolves_with_done(rig: Rig, act: str, message: dict[str, Any]) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.{act}")
    assert await rig.sent() == [message | {"room": "r1"}], "and nothing is asked behind it"
    await hear_change(rig, 2, room={"spectators": 3})
    assert await outcomes(rig) == [None], "that may have had another reason"
    await rig.done(message["type"])
    assert await outcomes(rig) == ["done"]
    assert await rig.sent() == []


@pytest.mark.parametrize(("act", "message"), ACTS)
async def test_a_refused_act_rejects_with_its_code_and_reports_no_problem(
    rig: Rig, act: str, message: dict[str, Any]
) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.{act}")
    await rig.refuse(message["type"], "not_allowed", "No.")
    assert await outcomes(rig) == [[400, "not_allowed", "No."]]
    assert await rig.complaints() == []


async def test_answers_in_any_order_resolve_their_own_acts(rig: Rig) -> None:
    await in_room(rig)
    for column in range(3):
        await ask(rig, f"{ROOM}.act({column})")
    await ask(rig, f"{ROOM}.say('hello')")
    assert [each["type"] for each in await rig.sent()] == ["act", "act", "act", "say"]
    await rig.run("rig.socket.asked.reverse(), null")
    await rig.refuse("act", "not_allowed", "third")
    await rig.done("act")
    await rig.refuse("say", "too_much_chat", "line")
    assert await outcomes(rig) == [
        None,
        "done",
        [400, "not_allowed", "third"],
        [400, "too_much_chat", "line"],
    ]
    await rig.done("act")
    assert (await outcomes(rig))[0] == "done"


async def test_an_act_without_an_answer_in_ten_seconds_closes_the_connection(
    rig: Rig,
) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.wait(9.9)
    assert await outcomes(rig) == [None]
    await rig.wait(0.2)
    assert [each[:2] for each in await outcomes(rig)] == [[0, "no_connection"]]
    assert (await rig.sockets())[0]["closedWith"] == 4000
    await rig.reopen()
    assert await rig.sent("act") == [{"type": "act", "room": "r1", "action": 1}], "only once"


async def test_an_answer_of_the_last_connection_resolves_no_act_of_the_next(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.lose()
    await rig.reopen()
    await ask(rig, f"{ROOM}.act(2)")
    await rig.run("rig.socket.tell({type: 'done', id: rig.sockets[0].asked.at(-1).id}), null")
    assert (await outcomes(rig))[1] is None
    await rig.done("act")
    assert (await outcomes(rig))[1] == "done"


async def test_an_act_rejects_when_the_connection_is_lost_and_is_not_repeated(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.lose()
    await ask(rig, f"{ROOM}.act(2)")
    assert [each[:2] for each in await outcomes(rig)] == [[0, "no_connection"]] * 2
    await rig.sent()
    await rig.reopen()
    assert await rig.sent("act") == [], "nothing is done twice"


async def test_a_refusal_of_another_message_is_reported_as_a_problem(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.run("here.hold(60)")
    await rig.refuse("hold", "invalid", "No.")
    assert await rig.complaints() == ["refused: hold invalid No."]
    assert await outcomes(rig) == [None]


# Activity


async def test_an_act_replaces_a_ping(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.press()
    assert await rig.sent("ping") == []
    await rig.wait(5)
    await rig.press()
    assert await rig.sent("ping") == [{"type": "ping"}]


async def test_after_a_refused_act_the_next_input_is_reported(
    rig: Rig,
) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.act(1)")
    await rig.refuse("act", "not_allowed", "No.")
    await rig.press()
    assert await rig.sent("ping") == [{"type": "ping"}]


async def test_after_a_pulse_check_the_next_input_is_reported_at_once(rig: Rig) -> None:
    await in_room(rig)
    await rig.press()
    await rig.wait(1)
    await rig.sent()
    await rig.hear("pulse", room="r1", by="Kim", expires_in=30)
    now = await rig.run("rig.clock.now")
    assert await rig.told("pulse") == [{"room": "r1", "by": "Kim", "expiresAt": now + 30_000}]
    await rig.press()
    assert await rig.sent("ping") == [{"type": "ping"}]


async def test_after_be_right_back_small_movements_do_not_count_and_a_key_does(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.brb(60)")
    away = {"0": {"back_in": 60, "status": "away"}}
    await hear_change(rig, 2, room={"seats": away})
    assert await rig.run("here.rooms.isAwayOnPurpose") is True
    await rig.press()
    assert await rig.sent("ping") == [], "on the way out"
    await rig.wait(10)
    for step in range(5):
        await rig.move(10 + step, 10)
    assert await rig.sent("ping") == []
    await rig.press()
    assert await rig.sent("ping") == [{"type": "ping"}]
    await hear_change(rig, 3, room={"seats": {"0": {"back_in": None, "status": "active"}}})
    assert await rig.run("here.rooms.isAwayOnPurpose") is False


# Reconnecting


async def test_after_a_reconnect_the_room_and_the_seat_are_restored(rig: Rig) -> None:
    await in_room(rig, match=match({"cell": 1}))
    await rig.lose()
    assert await rig.run(f"[{ROOM}.isStale, {ROOM}.view.cell]") == [True, 1]
    assert len(await rig.told("room")) == 1
    await rig.reopen()
    assert await rig.sent() == [{"type": "watch", "topic": TOPIC}]
    # A restarted server begins a new count, which may happen to be at the next version.
    await hear_change(rig, 2, view={"cell": 9})
    assert await rig.run(f"{ROOM}.view.cell") == 1
    await hear_room(rig, 1, match=match({"cell": 2}))
    assert await rig.sent() == [], "and no join, which would be an activity"
    assert await rig.run(f"[{ROOM}.isStale, {ROOM}.view.cell]") == [False, 2]


async def test_after_a_reconnect_a_lost_seat_is_not_replaced(rig: Rig) -> None:
    await in_room(rig)
    await rig.lose()
    await rig.reopen()
    await rig.sent()
    await hear_room(rig, 5, seats={"0": {}, "1": seated("Kim")})
    assert await rig.sent() == []
    assert await rig.run(f"[{ROOM}.seat, {ROOM}.isStale]") == [None, False]


async def test_a_room_that_closed_during_a_reconnect_is_reported(rig: Rig) -> None:
    await in_room(rig)
    await rig.lose()
    await rig.reopen()
    await rig.refuse("watch", "no_such_room", "It has closed.")
    closed = {"room": "r1", "reason": "no_such_room", "detail": "It has closed."}
    assert await rig.told("roomClosed") == [closed]
    assert await rig.run("here.rooms.joined.size") == 0


async def test_a_room_left_in_another_tab_is_reported(rig: Rig) -> None:
    await in_room(rig)
    await rig.hear("left", room="r1")
    assert await rig.told("roomClosed") == [{"room": "r1", "reason": "left", "detail": ""}]
    assert await rig.run("here.rooms.joined.size") == 0


async def test_joining_and_leaving_continue_after_a_lost_connection(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, f"{ROOM}.leave()")
    await ask(rig, "here.rooms.join('r2')")
    assert await rig.run("here.rooms.joined.size") == 0
    await rig.lose()
    assert await outcomes(rig) == ["done", None]
    await rig.sent()
    await rig.reopen()
    assert await rig.sent() == [{"type": "leave", "room": "r1"}, {"type": "join", "room": "r2"}]
    await rig.hear("left", room="r1")
    await rig.done("leave")
    await rig.lose()
    await rig.reopen()
    assert await rig.sent("leave", "join") == [{"type": "join", "room": "r2"}]


async def test_the_next_session_is_in_no_room(rig: Rig) -> None:
    await in_room(rig)
    await ask(rig, "here.rooms.join('r2')")
    await rig.hear("signed_out", reason="kicked", detail="")
    assert await outcomes(rig) == [[401, "not_signed_in", ""]]
    assert await rig.run("[here.rooms.joined.size, here.rooms.queue]") == [0, None]
    await rig.sent()
    await rig.run("here.start()")
    await rig.hello()
    assert await rig.sent("join", "watch") == []


# The list


def listing(id: str, **more: Any) -> dict[str, Any]:
    room = {"id": id, "game": "chess", "state": "open", "players": [], "free": 2}
    return room | {"spectators": 0, "private": False} | more


IDS = "[...here.rooms.list.rooms.keys()].join(' ')"
WATCH_ROOMS = {"type": "watch", "topic": "rooms"}


async def watch_list(rig: Rig, *ids: str) -> None:
    await rig.sign_in(watch=["rooms"])
    assert await rig.sent() == [WATCH_ROOMS]
    await hear_list(rig, 7, *ids)


async def hear_list(rig: Rig, version: int, *ids: str) -> None:
    rooms = [listing(id) for id in ids]
    await rig.hear("rooms", topic="rooms", version=version, rooms=rooms, total=len(ids))


async def hear_list_change(rig: Rig, version: int, **diff: Any) -> None:
    told = {"opened": [], "changed": [], "closed": [], "total": 2} | diff
    await rig.hear("rooms_changed", topic="rooms", version=version, **told)


async def test_the_list_has_the_newest_room_first_and_follows_changes(rig: Rig) -> None:
    await watch_list(rig, "b", "a")
    assert await rig.run(f"[{IDS}, here.rooms.list.total]") == ["b a", 2]
    await hear_list_change(rig, 8, opened=[listing("d"), listing("c")], total=4)
    await hear_list_change(rig, 9, changed=[listing("a", free=1), listing("z")], closed=["b"])
    assert await rig.run(IDS) == "d c a", "what is not among the first stays out"
    assert await rig.run("[here.rooms.list.rooms.get('a').free, here.rooms.list.total]") == [1, 2]
    assert len(await rig.told("rooms")) == 3


@pytest.mark.parametrize("version", [7, 9, 100])
async def test_a_gap_in_the_list_asks_once_for_the_whole_list(rig: Rig, version: int) -> None:
    await watch_list(rig, "b", "a")
    await hear_list_change(rig, version, closed=["a"])
    await hear_list_change(rig, version + 1, closed=["b"])
    assert await rig.sent() == [WATCH_ROOMS]
    assert await rig.run(f"[{IDS}, here.rooms.list.isWaiting]") == ["b a", True]
    await hear_list(rig, 50, "c")
    await hear_list_change(rig, 51, opened=[listing("d")])
    assert await rig.run(IDS) == "d c"


async def test_the_list_is_asked_for_again_over_a_new_connection(rig: Rig) -> None:
    await watch_list(rig, "a")
    await rig.lose()
    assert await rig.run(f"[{IDS}, here.rooms.list.isStale]") == ["a", True]
    await rig.reopen()
    assert await rig.sent() == [WATCH_ROOMS]
    await hear_list_change(rig, 8, closed=["a"])
    assert await rig.run(IDS) == "a"
    await hear_list(rig, 1, "b")
    assert await rig.run(f"[{IDS}, here.rooms.list.isStale]") == ["b", False]


async def test_unwatching_the_list_empties_it(rig: Rig) -> None:
    await watch_list(rig, "a")
    await rig.run("here.unwatch('rooms')")
    assert await rig.run(f"[{IDS}, here.rooms.list.isWaiting]") == ["", True]


# The queue


async def test_a_quick_match_waits_until_a_room_is_found(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch({game: 'chess'})")
    assert await rig.sent() == [{"type": "quick_match", "game": "chess"}]
    await rig.hear("queued", game="chess", waiting=1)
    await rig.done("quick_match")
    assert await outcomes(rig) == ["done"]
    await rig.hear("queued", game="chess", waiting=3)
    assert await rig.run("here.rooms.queue") == {"game": "chess", "waiting": 3}
    await rig.hear("queued", game="chess", waiting=0, reason="matched")
    await rig.hear("matched", room="r1", game="chess", expires_in=15)
    now = await rig.run("rig.clock.now")
    assert await rig.run("here.rooms.queue") is None
    assert await rig.told("queued", "matched") == [
        ("queued", {"game": "chess", "waiting": 1, "reason": None}),
        ("queued", {"game": "chess", "waiting": 3, "reason": None}),
        ("queued", {"game": "chess", "waiting": 0, "reason": "matched"}),
        ("matched", {"room": "r1", "game": "chess", "expiresAt": now + 15_000}),
    ]


async def test_a_quick_match_can_be_cancelled(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch()")
    assert await rig.sent() == [{"type": "quick_match"}]
    await rig.hear("queued", waiting=1)
    await rig.done("quick_match")
    await ask(rig, "here.rooms.cancelQuickMatch()")
    assert await rig.sent() == [{"type": "quick_match", "cancel": True}]
    await rig.hear("queued", waiting=0, reason="cancelled")
    await rig.done("quick_match")
    assert await outcomes(rig) == ["done", "done"]
    await rig.lose()
    await rig.reopen()
    assert await rig.sent("quick_match") == []


async def test_a_quick_match_of_another_game_replaces_the_first(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch({game: 'chess'})")
    await rig.hear("queued", game="chess", waiting=1)
    await rig.done("quick_match")
    await ask(rig, "here.rooms.quickMatch({game: 'go'}).then((queue) => { window.queue = queue; })")
    await rig.hear("queued", game="chess", waiting=0, reason="cancelled")
    assert await outcomes(rig) == ["done", None]
    await rig.hear("queued", game="go", waiting=2)
    await rig.done("quick_match")
    assert await outcomes(rig) == ["done", "done"]
    assert await rig.run("window.queue") == {"game": "go", "waiting": 2}


async def test_a_quick_match_of_an_unknown_game_is_refused(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch({game: 'go'})")
    await rig.refuse("quick_match", "no_such_game", "There is no go.")
    assert await outcomes(rig) == [[400, "no_such_game", "There is no go."]]
    assert await rig.run("here.rooms.queue") is None


async def test_a_quick_match_continues_after_a_reconnect(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch({game: 'chess'})")
    await rig.hear("queued", game="chess", waiting=2)
    await rig.sent()
    await rig.lose()
    await rig.reopen()
    assert await rig.sent("quick_match") == [{"type": "quick_match", "game": "chess"}]
    # To players in the queue the server has already said so.
    await rig.hear("queued", game="chess", waiting=0, reason="cancelled")
    await rig.hear("queued", game="chess", waiting=1)
    assert await rig.run("here.rooms.queue") == {"game": "chess", "waiting": 1}


async def test_a_quick_match_of_an_away_player_ends_at_a_reconnect(rig: Rig) -> None:
    await rig.sign_in()
    await ask(rig, "here.rooms.quickMatch({game: 'chess'})")
    await rig.hear("queued", game="chess", waiting=2)
    await rig.told()
    await rig.lose()
    await rig.view(player={"status": "away"})
    await rig.sent()
    await rig.reopen()
    assert await rig.sent("quick_match") == []
    assert await rig.run("here.rooms.queue") is None
    assert [each["reason"] for each in await rig.told("queued")] == ["away"]


# Calls


async def test_a_match_is_returned_with_the_moves_of_every_answer(rig: Rig) -> None:
    await rig.sign_in()
    await rig.calls()
    pages: list[dict[str, Any]] = [
        {"id": "m1", "moves": [1, 2], "next": "2"},
        {"id": "m1", "moves": [3, 4], "next": "4"},
        {"id": "m1", "moves": [5]},
    ]
    await rig.answer("GET /api/matches/m1", *({"json": page} for page in pages))
    match = await rig.run("here.rooms.match('m1')")
    assert match == {"id": "m1", "moves": [1, 2, 3, 4, 5]}
    assert await rig.calls() == [
        "(GET /api/matches/m1)",
        "(GET /api/matches/m1?after=2)",
        "(GET /api/matches/m1?after=4)",
    ]


async def test_every_call_about_rooms_returns_its_answer(rig: Rig) -> None:
    await rig.sign_in()
    await rig.calls()
    await rig.answer("GET /api/games", {"json": {"games": [{"name": "chess"}]}})
    await rig.answer("POST /api/rooms", {"status": 201, "json": listing("r1")})
    await rig.answer("GET /api/rooms/r%2F1", {"json": listing("r/1")})
    await rig.answer("GET /api/matches", {"json": {"matches": [], "next": None}})
    await rig.answer("GET /api/matches/m1", {"json": {"id": "m1"}})
    assert await rig.run("here.rooms.games()") == [{"name": "chess"}]
    made = await rig.run("here.rooms.create({game: 'chess', isPrivate: true})")
    assert made["id"] == "r1"
    assert await rig.run("rig.calls.at(-1).body") == {"game": "chess", "private": True}
    assert (await rig.run("here.rooms.find('r/1')"))["id"] == "r/1"
    await rig.run("here.rooms.matches({player: 'ada', after: 'm0', limit: 5})")
    await rig.run("here.rooms.matches()")
    await rig.run("here.rooms.match('m1')")
    assert await rig.calls() == [
        "(GET /api/games)",
        "POST /api/rooms",
        "(GET /api/rooms/r%2F1)",
        "(GET /api/matches?limit=5&player=ada&after=m0)",
        "(GET /api/matches)",
        "(GET /api/matches/m1)",
    ]
