"""What the clients and the page repeat of the server's numbers is what the server has, and the two
clients are as patient as each other.

What the server tells, such as the policy of sessions, they take from there; these it does not tell.
"""

import re
from pathlib import Path
from typing import TypeAlias

import pytest

from server.client.limits import Limits as ClientLimits
from server.games import connect_four, snake_arena, trivia_round
from server.limits import Limits

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Limits()
CLIENT = ClientLimits()

Repeated: TypeAlias = tuple[str, str, float]
"""A file, a pattern of which each group is the number, and the number."""


def constant(path: str, name: str, number: float) -> Repeated:
    return (f"static/{path}", rf"^const {name} = ([\d_]+);", number)


def in_every_language(pattern: str, number: float) -> list[Repeated]:
    return [(f"static/languages/{word}.js", pattern, number) for word in ("en", "es", "zh")]


REPEATED: list[Repeated] = [
    constant("stillhere/room.js", "LINES", LIMITS.rooms.lines_kept),
    ("static/stillhere.d.ts", r"The latest (\d+) lines", LIMITS.rooms.lines_kept),
    ("server/client/limits.py", r"chat_lines: int = (\d+)$", LIMITS.rooms.lines_kept),
    ("static/index.html", r'id="chat-text" .*maxlength="(\d+)"', LIMITS.rooms.line_length),
    constant("page/room-seats.js", "THINKING", 1000 * LIMITS.rooms.thinking),
    constant("page/room-seats.js", "BETWEEN", 1000 * LIMITS.rooms.between_pulses),
    constant("stillhere/roster.js", "ROSTER_PAGE", LIMITS.web.largest_page_of_players),
    ("static/stillhere/roster.js", r"the first ([\d,]+) by", LIMITS.realtime.roster_window),
    ("server/client/roster.py", r"the first ([\d,]+) by", LIMITS.realtime.roster_window),
    ("server/client/limits.py", r"server pings every\s+(\d+) s", LIMITS.transport.ping_interval),
    *in_every_language(r"'gate\.password_hint': '\D*(\d+)", LIMITS.accounts.shortest_password),
    # Games
    constant("games/connect-four/part.js", "COLUMNS", connect_four.COLUMNS),
    constant("games/connect-four/part.js", "ROWS", connect_four.ROWS),
    ("static/games/connect-four/words.js", r" board: '\D*(\d+)", connect_four.COLUMNS),
    ("static/games/connect-four/words.js", r" 1 (?:to|到|al) (\d+)", connect_four.COLUMNS),
    constant("games/snake-arena/picture.js", "TICK", 1000 / snake_arena.TICKS_A_SECOND),
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
    assert {float(re.sub(r"[,_]", "", each)) for each in found} == {number}
