"""Storm, kill, check, start again, check again, repeatedly."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from scripts.storm.browser import Answer, Browser
from scripts.storm.checks import (
    Check,
    Verdict,
    as_player_rows,
    as_rows,
    judge_database,
    judge_endings,
    judge_told,
)
from scripts.storm.database import open_database
from scripts.storm.observer import Observer
from scripts.storm.players import StormPlayers
from scripts.storm.server import BRISK, CALM, StormServer, Timing
from server.storage.limits import Limits

_ENDED = 60
_TOLERANCE = 0.15
_SETTLING = 5.0
_UNWRITTEN = Limits().activity_interval
"""Seconds of activity that a crash may lose (docs/protocol.md)."""


@dataclass
class Result:
    """The result of a run. Seconds; `starts`: how long each start took until it listened."""

    verdict: Verdict
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    starts: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Run:
    """One database and its many servers."""

    def __init__(
        self,
        database: Path,
        seed: int,
        make_server: Callable[[Path, Timing], StormServer] = StormServer,
    ) -> None:
        self.result = Result(Verdict(), seed)
        self._database = database
        self._make_server = make_server
        self._dice = random.Random(seed)
        self._players = StormPlayers(self._dice)
        self._verdict = self.result.verdict

    async def kill_often(self, times: int, progress: Callable[[int], None]) -> Result:
        """Kill the server so many times. Raises DidNotStart."""
        began = monotonic()
        last_change = 0
        for number in range(times):
            timing = CALM if number % 4 == 1 else BRISK
            last_change = await self._once(number, timing, last_change)
            self.result.seconds = monotonic() - began
            self.result.did = self._players.did
            progress(number + 1)
        server = await self._start(CALM)
        try:
            await self._check_sessions(server, CALM)
        finally:
            await server.kill()
        self.result.seconds = monotonic() - began
        return self.result

    async def _once(self, number: int, timing: Timing, last_change: int) -> int:
        """Run one start: check, storm, kill, check. Return the number of the last change."""
        if number and self._dice.random() < 0.15:
            await self._kill_while_starting(timing)
        for browser in self._players.browsers:
            browser.forget_what_was_told()
        server = await self._start(timing)
        try:
            observer = await self._check_after_start(server, timing)
            killed_at, may_have_stopped = await self._storm_and_kill(server)
        finally:
            await server.kill()
        await asyncio.gather(self._players.hear_the_rest(), observer.hear_the_rest())
        return self._judge(observer, killed_at, last_change, may_have_stopped=may_have_stopped)

    async def _storm_and_kill(self, server: StormServer) -> tuple[float, bool]:
        """Return when it was killed, and whether it may have stopped by itself before."""
        storm = asyncio.create_task(self._players.storm(server.address))
        try:
            await asyncio.sleep(self._dice.uniform(0.05, 1.8))
            if storm.done():
                storm.result()
            is_stopping = self._dice.random() < 0.15
            if is_stopping:
                server.send(signal.SIGTERM)
                await asyncio.sleep(self._dice.uniform(0.0, 0.2))
            self.result.kills["while it stopped" if is_stopping else "in the storm"] += 1
            return await server.kill(), is_stopping
        finally:
            storm.cancel()
            with suppress(asyncio.CancelledError):
                await storm

    async def _start(self, timing: Timing) -> StormServer:
        server = self._make_server(self._database, timing)
        began = monotonic()
        await server.start()
        self.result.starts.append(monotonic() - began)
        return server

    async def _kill_while_starting(self, timing: Timing) -> None:
        server = self._make_server(self._database, timing)
        await server.begin()
        await asyncio.sleep(self._dice.uniform(0.1, 0.6))
        await server.kill()
        self.result.kills["while it started"] += 1

    # After a kill, before the next start

    def _judge(
        self, observer: Observer, killed_at: float, last_change: int, *, may_have_stopped: bool
    ) -> int:
        verdict, crowd = self._verdict, self._players
        with open_database(self._database) as database:
            judge_database(database, verdict, last_change, may_have_stopped=may_have_stopped)
            changes = database.changes(last_change)
            judge_endings(crowd.browsers, database.endings(), verdict)
            players = database.players()
            for account in crowd.accounts:
                is_there = account.player_id in players
                verdict.note(Check.SIGN_INS, None if is_there else f"{account.name} is not there")
            for browser in crowd.browsers:
                if browser.told:
                    rows = as_rows(changes, browser.session_id)
                    judge_told(browser.told, rows, killed_at, browser.session_id, verdict)
                for sentence in browser.trouble:
                    verdict.note(Check.CARRY_ON, sentence)
                browser.trouble.clear()
            for player, told in observer.told.items():
                judge_told(told, as_player_rows(changes, player), killed_at, player, verdict)
            return database.last_change()

    # After a start

    async def _check_after_start(self, server: StormServer, timing: Timing) -> Observer:
        await self._check_sessions(server, timing)
        observer = Observer(server.address)
        await observer.arrive(self._players.new_name("Observer"))
        here = await self._players.reconnect_some(server.address)
        playing = asyncio.create_task(_keep_playing(here))
        try:
            await asyncio.sleep(
                max(server.listens_at + timing.reconnect_grace + 0.05 - monotonic(), 0.0)
            )
            await self._check_presence(observer, here)
        finally:
            playing.cancel()
        return observer

    async def _check_sessions(self, server: StormServer, timing: Timing) -> None:
        """Check the sessions: those that ended are refused, those that live go on."""
        crowd, dice = self._players, self._dice
        ended = [browser for browser in crowd.browsers if browser.ending is not None]
        chosen = ended[-_ENDED:] + dice.sample(ended[:-_ENDED], min(len(ended[:-_ENDED]), 20))
        living = crowd.living
        chosen += living[-_ENDED:]
        slots = asyncio.Semaphore(8)

        async def check(browser: Browser) -> None:
            async with slots:
                await self._check_session(server, browser, timing)

        await asyncio.gather(*map(check, chosen))

    async def _check_session(self, server: StormServer, browser: Browser, timing: Timing) -> None:
        before = monotonic()
        answer = await browser.look(server.address)
        now = monotonic()
        code = answer.code
        if browser.ending is not None:
            is_right = answer.refused == 401 and (
                code == browser.ending or (not browser.is_ending_exact and code != "not_signed_in")
            )
            found = f"{browser.session_id}: told {browser.ending}, now {answer.refused} {code}"
            self._verdict.note(Check.REVOKED, None if is_right else found)
            return
        wrong = self._why_not(browser, answer, now)
        if not browser.is_doubtful:
            self._verdict.note(Check.CARRY_ON, wrong and f"{browser.session_id}: {wrong}")
        if answer.refused == 401:
            browser.note_ending(code)
        elif wrong is None and not browser.remember:
            self._judge_clock(browser, answer.said["session"], before, now, timing)
        browser.is_doubtful = False

    def _why_not(self, browser: Browser, answer: Answer, now: float) -> str | None:
        code = answer.code
        if answer.is_done:
            id = answer.said["session"]["id"]
            return None if id == browser.session_id else f"it is the session {id}"
        idle_for, age = now - browser.acted_at, now - browser.signed_in_at
        if code == "idle_timeout" and idle_for >= BRISK.idle_timeout and not browser.remember:
            return None
        lifetime = BRISK.remember_lifetime if browser.remember else BRISK.session_lifetime
        if code == "session_lifetime" and age >= lifetime:
            return None
        return f"{answer.refused} {code} after {idle_for:.2f} s without activity, {age:.2f} s old"

    def _judge_clock(
        self, browser: Browser, session: dict[str, float], before: float, now: float, timing: Timing
    ) -> None:
        left = session["expires_in"]
        ends_in = session["ends_in"]
        least = min(browser.acted_at + timing.idle_timeout - now, ends_in) - _TOLERANCE
        last = min(browser.tried_at + _UNWRITTEN + 1.0, before)
        most = last + timing.idle_timeout - before + _TOLERANCE
        wrong = None
        if not least <= left <= most:
            wrong = f"{browser.session_id}: {left:.2f} s left, not {least:.2f} to {most:.2f}"
        self._verdict.note(Check.CLOCKS, wrong)

    async def _check_presence(self, observer: Observer, here: Sequence[Browser]) -> None:
        until = monotonic() + _SETTLING
        while True:
            # An open socket keeps its player here; other players did nothing.
            expected = {each.account.player_id for each in here if each.is_open}
            expected.add(observer.player_id)
            with open_database(self._database) as database:
                written = database.active_players()
            shown = await observer.who_is_here()
            if written == shown == expected or monotonic() > until:
                break
            await asyncio.sleep(0.05)
        wrong = None
        if (written | shown) - expected:
            wrong = f"there are {expected}, written {written - expected}, shown {shown - expected}"
        self._verdict.note(Check.GRACE, wrong)


async def _keep_playing(browsers: Sequence[Browser]) -> None:
    while True:
        for browser in browsers:
            await browser.ping()
        await asyncio.sleep(0.1)
