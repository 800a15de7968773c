"""Numbers, sets and sentences of the server that clients and the page repeat are equal to the
server's, and the two clients have the same timeouts.

These are not sent by the server, unlike the policy of sessions.
"""

import re
from typing import TypeAlias

import pytest

from server.base.ids import PlayerId, SessionId
from server.client.limits import Limits as ClientLimits
from server.games import connect_four, snake_arena, trivia_round
from server.limits import Limits
from server.presence.events import StatusChanged
from server.presence.explain import explain_change
from server.presence.policy import Policy
from server.presence.session import Player, Session
from server.presence.status import ENDINGS, Reason, Status
from tests.support.events import an_event
from tests.support.paths import ROOT

LIMITS = Limits()
CLIENT = ClientLimits()

Repeated: TypeAlias = tuple[str, str, float]
"""A file, a pattern whose groups are the number, and the number."""


SPELLED_OUT = {
    3: ("three", "tres", "三"),
    4: ("four", "cuatro", "四"),
    8: ("eight", "ocho", "八"),
}
NUMBERS = {word: float(number) for number, words in SPELLED_OUT.items() for word in words}


def constant(path: str, name: str, number: float) -> Repeated:
    return (f"static/{path}", rf"^const {name} = ([\d_]+);", number)


def in_every_language(area: str, pattern: str, number: float) -> list[Repeated]:
    return [(f"static/languages/{word}/{area}.js", pattern, number) for word in ("en", "es", "zh")]


def spelled_out(game: str, patterns: tuple[str, str, str], number: float) -> list[Repeated]:
    """A number in the texts of a game, with a pattern for each language."""
    return [(f"static/games/{game}/words.js", pattern, number) for pattern in patterns]


REPEATED: list[Repeated] = [
    constant("stillhere/room.js", "LINES", LIMITS.rooms.lines_kept),
    ("static/stillhere/rooms.d.ts", r"The latest (\d+) lines", LIMITS.rooms.lines_kept),
    ("server/client/limits.py", r"chat_lines: int = (\d+)$", LIMITS.rooms.lines_kept),
    constant("page/room.js", "LEAST_BREAK", LIMITS.rooms.least_brb),
    ("static/page/html/room.html", r'id="chat-text" .*maxlength="(\d+)"', LIMITS.rooms.line_length),
    constant("page/strip.js", "THINKING", 1000 * LIMITS.rooms.thinking),
    constant("page/strip.js", "BETWEEN", 1000 * LIMITS.rooms.between_pulses),
    constant("stillhere/roster.js", "ROSTER_PAGE", LIMITS.web.largest_page_of_players),
    ("static/stillhere/roster.js", r"the first ([\d,]+) by", LIMITS.realtime.roster_window),
    ("server/client/roster.py", r"the first ([\d,]+) by", LIMITS.realtime.roster_window),
    ("server/client/limits.py", r"server pings every\s+(\d+) s", LIMITS.transport.ping_interval),
    *in_every_language(
        "account", r"'gate\.password_hint': '\D*(\d+)", LIMITS.accounts.shortest_password
    ),
    # Games
    constant("games/connect-four/part.js", "COLUMNS", connect_four.COLUMNS),
    constant("games/connect-four/part.js", "ROWS", connect_four.ROWS),
    ("static/games/connect-four/words.js", r" board: '\D*(\d+)", connect_four.COLUMNS),
    ("static/games/connect-four/words.js", r" 1 (?:to|到|al) (\d+)", connect_four.COLUMNS),
    constant("games/snake-arena/picture.js", "TICK", 1000 / snake_arena.TICKS_A_SECOND),
    *spelled_out(
        "snake-arena",
        (r"after (\w+) minutes", r"a los (\w+) minutos", r"(\w)分钟"),
        snake_arena.LAST_TICK / snake_arena.TICKS_A_SECOND / 60,
    ),
    *spelled_out(
        "trivia-round",
        (r"'(\w+) questions", r"'(\w+) preguntas", r"共(\w)道题"),
        trivia_round.QUESTIONS_IN_MATCH,
    ),
    *spelled_out(
        "trivia-round",
        (r"(\w+) choices each", r"con (\w+) opciones", r"每题(\w)个选项"),
        len(trivia_round.QUESTIONS[0].en) - 1,
    ),
    ("static/games/trivia-round/words.js", r" rules: '\D*(\d+)", trivia_round.RIGHT),
    ("static/games/trivia-round/words.js", r" rules: '\D*\d+\D*(\d+)", trivia_round.FOR_SPEED),
    # What the two clients have in common
    constant("stillhere/socket.js", "FIRST_PAUSE", 1000 * CLIENT.first_pause),
    constant("stillhere/socket.js", "LONGEST_PAUSE", 1000 * CLIENT.longest_pause),
    constant("stillhere/socket.js", "STABLE_AFTER", 1000 * CLIENT.stable_after),
    constant("stillhere/socket.js", "SOCKET_ANSWER_WITHIN", 1000 * CLIENT.answer_within),
    constant("stillhere/socket.js", "LATE", 1000 * CLIENT.late),
    constant("stillhere/socket.js", "SILENT_AFTER", 1000 * CLIENT.silent_after),
    constant("stillhere/calls.js", "CALL_ANSWER_WITHIN", 1000 * CLIENT.call_within),
]


@pytest.mark.parametrize(("path", "pattern", "number"), REPEATED)
def test_a_number_that_is_repeated_is_the_same(path: str, pattern: str, number: float) -> None:
    found = re.findall(pattern, (ROOT / path).read_text(), re.MULTILINE)
    assert {value_of(each) for each in found} == {number}


def value_of(text: str) -> float:
    """The value of `text`, in digits or spelled out."""
    return NUMBERS.get(text.lower()) or float(re.sub(r"[,_]", "", text))


def test_the_page_marks_every_end_of_a_session() -> None:
    source = (ROOT / "static/page/history.js").read_text()
    found = re.search(r"^const SESSION_ENDS = new Set\(\[([^\]]*)\]\);", source, re.MULTILINE)
    assert found is not None
    assert set(re.findall(r"'(\w+)'", found[1])) == ENDINGS


def test_every_snake_has_a_letter() -> None:
    source = (ROOT / "static/games/snake-arena/picture.js").read_text()
    (letters,) = re.findall(r"^export const LETTERS = '(\w+)';", source, re.MULTILINE)
    assert len(set(letters)) == snake_arena.SnakeArena.most


def test_the_page_tells_a_break_from_idleness_by_the_sentence_of_the_history() -> None:
    source = (ROOT / "static/page/history.js").read_text()
    (beginning,) = re.findall(r"^const OF_A_BREAK = '(.+)';", source, re.MULTILINE)
    session = Session(
        SessionId("s"), Player(PlayerId("p"), "Ada", "ada", guest=True), 0.0, 1.0, remember=False
    )

    def told(back_in: float) -> str:
        event = an_event(
            StatusChanged, session, after=Status.AWAY, reason=Reason.IDLE, back_in=back_in
        )
        return explain_change(event, Policy())

    assert told(back_in=600.0).startswith(beginning)
    assert not told(back_in=0.0).startswith(beginning)
