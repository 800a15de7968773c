"""A process in which bots think: `python -m server.bots.worker MEMORY LATENESS`, of `process.py`.

It reads questions from its input, one at a time, and writes answers to its output. It has neither
the database nor the keys, takes the processor only when nothing else wants it, and ends when its
input does. A game that does not come to an end there is ended by an alarm of the system, also when
the server is not there any more.
"""

import os
import pkgutil
import resource
import secrets
import signal
import sys
import time
from contextlib import suppress
from math import ceil
from typing import Any

import msgspec

from server.bots.messages import Answer, Question
from server.games.game import Game, Moment

_NICE = 10
"""Of the process: with it, the event loop has nine tenths of a core that both want."""

_ERROR_LENGTH = 300
"""Characters of what a game raised."""


def main(memory: int, lateness: float) -> None:
    """Answer questions until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this
    os.nice(_NICE)
    with suppress(OSError, ValueError):  # not all systems can
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0) as answers:
        # What a game prints is no answer.
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        for line in sys.stdin.buffer:
            question = msgspec.json.decode(line, type=Question)
            signal.alarm(ceil(question.seconds + 2 * lateness))
            answers.write(_answer(question) + b"\n")
            signal.alarm(0)


def _answer(question: Question) -> bytes:
    end = time.perf_counter() + question.seconds
    try:
        game: Game[Any, Any] = pkgutil.resolve_name(question.game)()
        action = game.think(
            msgspec.json.decode(question.view),
            question.seat,
            question.level,
            Moment(question.now, secrets.token_hex(8)),
            lambda: time.perf_counter() >= end,
        )
        return msgspec.json.encode(Answer(action))
    except Exception as error:
        return msgspec.json.encode(Answer(error=f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
