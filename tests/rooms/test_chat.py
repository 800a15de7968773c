"""Chat in a room, and the room's own notices."""

import pytest

from server.base.ids import PlayerId
from server.rooms.chat import Chat
from server.rooms.errors import CommandRefused
from server.rooms.limits import Limits
from tests.rooms.games import Together
from tests.rooms.world import World, lines, refused

LIMITS = Limits()

CANNOT = "A line of chat cannot contain"


@pytest.fixture
def world() -> World:
    return World(Together())


def test_only_players_and_spectators_of_the_room_may_chat(world: World) -> None:
    ada, kim, bo = world.players(3)
    room = world.room("together", ada)
    world.joins(kim, room, spectate=True)
    assert lines(world.says(ada, room, "Hello")) == ["Hello"]
    assert lines(world.says(kim, room, "I watch")) == ["I watch"]
    with refused("not_here"):
        world.says(bo, room)
    world.leaves(kim, room)
    with refused("not_here"):
        world.says(kim, room)
    with refused("no_such_room"):
        world.rooms.say(ada, "r999", "Hello", world.now)


def test_the_last_fifty_lines_are_kept_and_their_numbers_grow(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    for number in range(60):
        world.passes(LIMITS.lines.seconds)
        world.says(ada, room, str(number))
    assert len(room.chat.lines) == LIMITS.lines_kept
    assert [line.text for line in room.chat.lines] == [str(number) for number in range(10, 60)]
    ids = [line.id for line in room.chat.lines]
    assert ids == list(range(ids[0], ids[0] + LIMITS.lines_kept))


def test_a_line_much_longer_than_allowed_is_refused_by_its_length_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    longest = LIMITS.longest_typed * LIMITS.line_length
    chat = Chat(LIMITS)
    assert chat.say(PlayerId("ada"), "Ada", f"{' ' * (longest - 2)}hi", 0.0).text == "hi"
    monkeypatch.setattr("server.rooms.chat._on_one_line", pytest.fail)  # takes a while
    with refused("invalid"):
        chat.say(PlayerId("ada"), "Ada", f"{' ' * (longest - 1)}hi", 0.0)


def test_a_chat_that_is_read_back_goes_on_counting() -> None:
    chat = Chat(LIMITS)
    chat.note("joined", 1.0, "Ada", 0)
    chat.note("left", 2.0, "Ada", 0)
    again = Chat(LIMITS, chat.lines)
    line, first = again.note("joined", 3.0, "Kim", 0), Chat(LIMITS).note("joined", 3.0, "Kim", 0)
    assert line is not None
    assert first is not None
    assert (line.id, first.id) == (3, 1)


def test_repeated_joins_and_leaves_of_a_player_are_noted_four_times() -> None:
    chat = Chat(LIMITS)
    said = [chat.note(("joined", "left")[n % 2], n / 10, "Ada", 0) is not None for n in range(10)]
    assert said == [True] * 4 + [False] * 6
    assert chat.note("joined", 1.0, "Kim", 1) is not None, "nobody else's"
    assert chat.note("out", 1.0, "Ada", 0) is not None, "what happens to them is told"
    assert chat.note("joined", 29.99, "Ada", 0) is None
    assert chat.note("joined", 30.0, "Ada", 0) is not None


@pytest.mark.parametrize(
    "text",
    [
        "I \U0001fa77 you",
        "\U0001fa77",
        "\u2764\ufe0f",
        "\U0001f469\u200d\U0001f680",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u05e9\u05dc\u05d5\u05dd\u200f!",
        "\U0001f6d8",
        "two  blanks",
        "<b>no</b> & \uf8ff",
    ],
    ids=ascii,
)
def test_a_line_is_kept_as_it_was_typed(text: str) -> None:
    assert Chat(LIMITS).say(PlayerId("p"), "Ada", text, 0.0).text == text


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("\x1b[31mred", f"{CANNOT} a control character (U+001B)."),
        ("a\x00b", f"{CANNOT} a control character (U+0000)."),
        (
            "abc\u202edef",
            f"{CANNOT} a character that changes the direction of text (U+202E).",
        ),
        (
            "a\u2066b\u2069",
            f"{CANNOT} a character that changes the direction of text (U+2066).",
        ),
        (
            "a\U000e0041b",
            f"{CANNOT} an invisible formatting character (U+E0041).",
        ),
        ("a\ud800", f"{CANNOT} a code that is no character (U+D800)."),
    ],
)
def test_unsafe_characters_are_refused_by_name(text: str, detail: str) -> None:
    chat = Chat(LIMITS)
    with pytest.raises(CommandRefused) as caught:
        chat.say(PlayerId("p"), "Ada", text, 0.0)
    assert (caught.value.code, str(caught.value)) == ("invalid", detail)
    assert not chat.lines


@pytest.mark.parametrize("text", ["", " \t", "\u200b\ufeff", "\u200d \u200c", "\u2800", "\u3164"])
def test_a_line_without_visible_characters_is_refused(text: str) -> None:
    with pytest.raises(CommandRefused):
        Chat(LIMITS).say(PlayerId("p"), "Ada", text, 0.0)


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (LIMITS.line_length + 1)])
def test_a_line_has_one_to_three_hundred_characters(world: World, text: str) -> None:
    ada = world.player()
    room = world.room("together", ada)
    before = room.chat.lines
    with refused("invalid"):
        world.says(ada, room, text)
    assert room.chat.lines == before
    world.says(ada, room, "x" * LIMITS.line_length)


def test_line_breaks_in_a_line_become_spaces(world: World) -> None:
    ada = world.player()
    room = world.room("together", ada)
    assert lines(world.says(ada, room, "  one\r\n two \u2028\tthree  ")) == ["one two three"]


def test_five_lines_in_five_seconds_are_enough(world: World) -> None:
    ada, kim = world.players(2)
    room = world.room("together", ada, kim)
    for _ in range(LIMITS.lines.count):
        world.says(ada, room)
    world.passes(LIMITS.lines.seconds - 0.001)
    with refused("too_much_chat"):
        world.says(ada, room)
    world.says(kim, room)
    world.passes(0.001)
    for _ in range(LIMITS.lines.count):
        world.says(ada, room)
    with refused("too_much_chat"):
        world.says(ada, room)


@pytest.mark.parametrize("spectate", [False, True])
def test_leaving_and_joining_again_does_not_reset_the_limit(world: World, spectate: bool) -> None:
    ada, kim = world.players(2)
    room = world.room("together", kim)
    world.joins(ada, room, spectate=spectate)
    for _ in range(LIMITS.lines.count):
        world.says(ada, room)
    world.leaves(ada, room)
    world.joins(ada, room, spectate=spectate)
    with refused("too_much_chat"):
        world.says(ada, room)


def test_a_crowd_of_spectators_leaves_the_lines_of_the_players_in_the_chat(world: World) -> None:
    ada, *crowd = world.players(61)
    room = world.room("together", ada)
    for each in crowd:
        world.joins(each, room, spectate=True)
    world.says(ada, room, "Hello")
    for each in crowd[: LIMITS.lines_of_spectators.count]:
        world.says(each, room)
    world.passes(LIMITS.lines_of_spectators.seconds - 0.001)
    for each in crowd:
        with refused("too_much_chat"):
            world.says(each, room)
    assert lines(world.says(ada, room, "I am still heard")) == ["I am still heard"]
    assert "Hello" in [line.text for line in room.chat.lines]
    world.passes(0.001)
    world.says(crowd[0], room)
    world.joins(crowd[1], room)
    for _ in range(LIMITS.lines.count):
        world.says(crowd[1], room)


def test_a_line_that_is_refused_to_a_spectator_counts_for_nobody(world: World) -> None:
    ada, kim, *crowd = world.players(2 + LIMITS.lines_of_spectators.count)
    room = world.room("together", ada)
    for each in (kim, *crowd):
        world.joins(each, room, spectate=True)
    for each in crowd:
        world.says(each, room)
    for _ in range(LIMITS.lines_of_player.count):
        with refused("too_much_chat"):
            world.says(kim, room)
    world.passes(LIMITS.lines_of_spectators.seconds)
    for _ in range(LIMITS.lines.count):
        world.says(kim, room)


def test_a_crowd_that_comes_and_goes_leaves_the_lines_in_the_chat() -> None:
    chat = Chat(LIMITS)
    quota = LIMITS.lines_of_spectators
    noted = [chat.note("joined", n / 100, f"player {n}", 0) is not None for n in range(60)]
    assert noted == [True] * quota.count + [False] * (60 - quota.count)
    assert chat.note("resigned", 1.0, "Ada", 0) is not None, "what happens in a match is told"
    assert chat.note("joined", quota.seconds, "player 60", 0) is not None


def test_the_lines_of_a_player_are_limited_in_all_rooms_together(world: World) -> None:
    ada, *others = world.players(1 + LIMITS.lines_of_player.count)
    rooms = [world.room("together", each) for each in others]
    late = world.room("together", world.player("Late"))
    for room in (*rooms, late):
        world.joins(ada, room, spectate=True)
    for room in rooms:
        world.says(ada, room)
    world.passes(LIMITS.lines_of_player.seconds - 0.001)
    with refused("too_much_chat"):
        world.says(ada, late)
    world.says(others[0], rooms[0])
    world.passes(0.001)
    for room in (late, *rooms[1:]):
        world.says(ada, room)
