"""A game whose bots do what the view says. A process of bots imports it by its name."""

import time
from collections.abc import Callable
from typing import Any

from server.games.game import Level, Moment, Seat, View
from tests.rooms.games import Step, Turns


class Odd(Turns):
    """`do` of the view is what a bot does."""

    name = "odd"
    levels = ("easy", "hard")
    thinking = 0.1

    def think(
        self, view: View, seat: Seat, level: Level, moment: Moment, is_time_up: Callable[[], bool]
    ) -> Any:
        match view["do"]:
            case "tell":
                print("not an answer")
                has_dice = 0 <= moment.random.random() < 1
                return [view, seat, level, moment.now, has_dice]
            case "take the time":
                while not is_time_up():
                    pass
                return Step(wins=True)
            case "hang":
                time.sleep(60)
            case "raise":
                raise LookupError("no idea")
            case "junk":
                return object()
            case "much":
                return "x" * 100_000
            case "eat":
                return len(bytearray(2**31))
            case "exit":
                raise SystemExit
        return None
