"""The day: random events for the players and the server, and the checks.

Besides the players' own actions there are drops and silent deaths, a process that stands still, is
killed or stopped and restarted on the same database, a disk that fails for a while, and steps of
the wall clock. The invariants are checked after every step, everything else at intervals, and at
each start the database against what clients were told.
"""

import asyncio
import hashlib
import heapq
import random
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from server.app import StillHere
from server.base.clock import SystemClock
from server.limits import Limits
from server.presence.events import Event, SessionEnded, StatusChanged
from server.presence.status import Reason
from server.settings import Settings
from server.wire.messages import LOBBY, Hold, Ping, Release, Unwatch, Watch
from tests.simulation.browsers import (
    LEFT,
    LOST,
    RELOADED,
    SERVICE_RESTART,
    Browser,
    Page,
    PromiseBroken,
)
from tests.simulation.virtual import (
    Disk,
    VirtualLoop,
    deterministic,
    run_virtually,
)
from tests.support.database import rows
from tests.support.invariants import Invariants, InvariantViolated, nothing_is_left, server_tasks
from tests.support.live_server import UNLIMITED, with_quick_hashes
from tests.support.open_passwords import OpenPasswords

EPOCH = 1_700_000_000.0
POLICY = {
    "away_after": 120.0,
    "warn_before": 60.0,
    "idle_timeout": 300.0,
    "session_lifetime": 7_200.0,
    "reload_grace": 5.0,
    "reconnect_grace": 30.0,
    "max_hold": 600.0,
    "max_sessions_per_player": 2,
}
LOOK_EVERY = 100
"""Steps between two checks of everything."""

COMMITTED = 1.0
"""Seconds within which published changes are on a working disk."""

_PASSIVE = {("GET", "/api/session"), ("POST", "/api/session/leave")}


class DayFailed(AssertionError):
    """A check failed. The message has the seed that reproduces it."""


class Day:
    """One day of `players`, from `seed`: `hours`, and then the longest lifetime of a session.
    `session_lifetime` is in seconds; remembered sessions have twice as long."""

    def __init__(
        self,
        seed: int,
        path: Path,
        *,
        players: int = 200,
        hours: float = 24.0,
        heartbeat: float = 5.0,
        session_lifetime: float = POLICY["session_lifetime"],
    ) -> None:
        self.seed = seed
        self.path = path
        self.hours = hours
        self.heartbeat = heartbeat
        self.policy = POLICY | {
            "session_lifetime": session_lifetime,
            "remember_lifetime": 2 * session_lifetime,
        }
        self.chance = random.Random(f"day {seed}")
        self.disk = Disk(random.Random(f"disk {seed}"))
        self.browsers: list[Browser] = []
        for n in range(players):
            guest = n % 3 == 0
            for nth in range(1 if guest else 1 + n % 5 // 2):
                remember = not guest and nth % 3 == 1
                self.browsers.append(Browser(self, f"player {n}", guest=guest, remember=remember))
        self.registered: set[str] = set()
        self.by_session: dict[str, Browser] = {}
        # What clients were told: the cookies of sessions, and the revoked ones with the reason.
        self.signed_in: dict[str, tuple[str, float]] = {}
        self.revoked: dict[str, str] = {}
        self.steps = 0
        self.counts: dict[str, int] = {}
        self.trace: deque[str] = deque(maxlen=60)
        self.digest = hashlib.sha256()
        self._number = count()
        self._agenda: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._running: dict[asyncio.Task[Any], None] = {}
        self._failure: BaseException | None = None
        self._wall_offset = 0.0
        self._stepped_at = float("-inf")
        # From then on, a later instant may be stored as an earlier one.
        self._has_stepped_back = False
        self._stalls: list[tuple[float, float]] = []
        self._stalled_at = float("-inf")
        # Sessions that ended in earlier processes, and in this one.
        self._ended: set[str] = set()
        self._ended_now: set[str] = set()
        self._disk_failed_at = float("-inf")
        self._told: list[tuple[float, tuple[str, ...]]] = []
        self._written_before = 0
        self._last_seen: dict[str, int] = {}
        self._over: dict[str, tuple[float, str]] = {}
        self._base = 0.0
        self.is_up = False

    def run(self) -> None:
        """Run the day. Raises DayFailed."""
        try:
            with deterministic(self.seed, self.disk, self.heartbeat):
                run_virtually(self._live)
        except Exception as error:
            lines = "\n    ".join(self.trace)
            raise DayFailed(
                f"seed {self.seed} (hours={self.hours:g}, browsers={len(self.browsers)}, "
                f"heartbeat={self.heartbeat:g}), step {self.steps}: {error}\n"
                f"  again: python -m tests.simulation --seed {self.seed} --hours {self.hours:g} "
                f"--players {self._players()} --heartbeat {self.heartbeat:g} "
                f"--session-lifetime {self.policy['session_lifetime']:g}\n"
                f"  what came before:\n    {lines}"
            ) from error
        finally:
            self.disk.kill()

    def _players(self) -> int:
        return len({browser.name for browser in self.browsers})

    # For the browsers

    def instant(self) -> float:
        """Seconds in which the server could have heard a player, or was down."""
        return self._base + self._clock.now()

    def number(self) -> int:
        return next(self._number)

    def later(self, seconds: float, action: Callable[..., Any], *args: Any) -> None:
        """Schedule `action`; a coroutine runs concurrently."""
        at = self._loop.time() + seconds
        heapq.heappush(self._agenda, (at, next(self._number), action, args))

    def note(self, *what: object) -> None:
        """Record what a client was told."""
        line = f"{self._loop.time():.6f} {' '.join(map(str, what))}"
        self.trace.append(line)
        self.digest.update(line.encode())

    def note_over(self, cookie: str, reason: str) -> None:
        """Record that a client was told of the end of its session."""
        self._over[cookie] = self.instant(), reason

    def is_activity(self, method: str, path: str, headers: Mapping[str, str]) -> bool:
        return (method, path) not in _PASSIVE and "passive" not in headers

    def reads_are_sure(self) -> bool:
        """True if the server's reads from the disk come in time. After a stall or a failure they
        may not, and a reason is unknown then."""
        return (
            not self.disk.is_failing
            and self.instant() - self._disk_failed_at > 15.0
            and self._loop.time() - self._stalled_at > 15.0
        )

    # Start and stop

    async def _boot(self, instant: float) -> None:
        """Start at the day's time `instant`, from which the process's time counts on."""
        loop = self._loop
        self._clock = SystemClock(
            loop.time, lambda: EPOCH + self._wall_offset + loop.time(), lambda: 0.0
        )
        self._base = instant - self._clock.now()
        settings = Settings(
            database=str(self.path),
            secret_keys=("k" * 32,),
            max_connections_per_session=6,
            _env_file=None,  # type: ignore[call-arg]
            **self.policy,  # type: ignore[arg-type]
        )
        limits = Limits(accounts=with_quick_hashes(UNLIMITED))
        self.still_here = here = StillHere(settings, self._clock, limits)
        here.passwords.close()
        here.passwords = here.accounts._passwords = OpenPasswords()
        # It manages the collector of a server's process, which this is not.
        here.collector.start = lambda: None  # type: ignore[method-assign]
        here.stream._on_error = lambda error, event: self._fail(error)
        here.stream.subscribe(self._record)
        self.invariants = Invariants(here, self._fail)
        self._told.clear()
        await here.start()
        for session_id, (cookie, _) in self.signed_in.items():
            if cookie in self.revoked and session_id in here.registry.sessions:
                raise PromiseBroken(f"{session_id} was revoked ({self.revoked[cookie]}), and lives")
        self.is_up = True
        self.note("booted with", len(here.registry.sessions), "sessions")

    def _record(self, event: Event) -> None:
        if isinstance(event, StatusChanged):
            row = event.session_id, event.after, event.reason, event.player_after
            self._told.append((self.instant(), row))
            self.note(*row)
        elif isinstance(event, SessionEnded):
            self._ended_now.add(event.session_id)
            browser = self.by_session.pop(event.session_id, None)
            if (
                event.reason is Reason.IDLE_TIMEOUT
                and browser is not None
                and browser.session_id == event.session_id
                and self.instant() < browser.not_before
            ):
                self._fail(
                    PromiseBroken(
                        f"{browser.name} ({event.session_id}) is signed out at "
                        f"{self.instant():.3f} and was given until {browser.not_before:.3f}"
                    )
                )

    async def _restart(self, *, in_order: bool) -> None:
        """Stop or kill the server, and start it again on the same database after a while."""
        self.note("stops" if in_order else "is killed")
        self.invariants.stop_looking()
        here = self.still_here
        instant, died_at = self.instant(), self._loop.time()
        was_failing = self.disk.is_failing or instant - self._disk_failed_at < 15.0
        if in_order:
            for page in [page for browser in self.browsers for page in browser.pages]:
                page.go(SERVICE_RESTART)
            if self._running:
                # As ASGI servers do: wait for the requests that are running.
                await asyncio.wait(self._running, timeout=10)
            await asyncio.sleep(0.01)
            await here.stop()
            instant, died_at = self.instant(), self._loop.time()
        self.is_up = False
        self.disk.kill()
        here.ticker.stop()
        here.topics.close()
        ours = asyncio.current_task()
        tasks = sorted(
            (task for task in asyncio.all_tasks() if task is not ours),
            key=lambda task: (
                int(task.get_name().rpartition("-")[2] or 0)
                if task.get_name().startswith("Task-")
                else 0
            ),
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()
        if not in_order:
            await here.store.abandon()
            here.passwords.close()
        for browser in self.browsers:
            for page in list(browser.pages):
                page.vanish()
                self.later(self.chance.uniform(0, 20), self._come_back, browser)
        self._read_the_disk(instant, is_whole=in_order and not was_failing, was_failing=was_failing)
        self._ended |= self._ended_now
        self._ended_now.clear()
        down_for = self.chance.choice((0.5, 5.0, 40.0, 200.0, 400.0))
        for browser in self.browsers:
            self._expect_less_after_a_kill(
                browser, instant, in_order=in_order, was_failing=was_failing
            )
        await asyncio.sleep(down_for)
        self._mend_the_disk()
        await self._boot(instant + self._loop.time() - died_at)

    def _expect_less_after_a_kill(
        self, browser: Browser, instant: float, *, in_order: bool, was_failing: bool
    ) -> None:
        """Reduce what a browser may rely on when the process dies.

        A restart knows nothing of holds and late warnings, and only the activities that were
        written: all of them after a stop, those of five seconds ago after a kill.
        """
        heard = [at for at in browser.activities if in_order or at < instant - 5.5]
        browser.activities = deque(heard, maxlen=browser.activities.maxlen)
        if heard and not was_failing and browser.signed_in_at > self._stepped_at:
            # Nor does it know of stalls, which count like any other time.
            known_until = min(
                heard[-1] + self.policy["idle_timeout"] - self._stood_still_since(heard[-1]),
                browser.ends_by - self._stood_still_since(browser.signed_in_at),
            )
            browser.not_before = min(browser.not_before, known_until) - 0.1
        else:
            browser.not_before = float("-inf")
        browser.warned.clear()
        browser.life_until = 0.0
        had_no_time = browser.signed_in_at >= instant - COMMITTED
        browser.is_unwritten = browser.is_unwritten or was_failing or had_no_time
        browser.is_deaf = False
        if browser.is_in_doubt:
            browser.cookie = None
            browser.is_in_doubt = False

    def _stood_still_since(self, instant: float) -> float:
        return sum(seconds for at, seconds in self._stalls if at >= instant)

    def _read_the_disk(self, died_at: float, *, is_whole: bool, was_failing: bool) -> None:
        """Check the database against what the clients were told."""
        with closing(sqlite3.connect(self.path)) as disk:
            disk.execute("PRAGMA query_only = ON")
            assert disk.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            found = disk.execute(
                "SELECT id, session_id, status, reason, player_status FROM status_changes"
                " WHERE id > ? ORDER BY id",
                (self._written_before,),
            ).fetchall()
            self._written_before = found[-1][0] if found else self._written_before
            written = [tuple(row[1:]) for row in found]
            told = [tuple(map(str, row)) for _, row in self._told]
            # This process first wrote the sign-outs that the last one had not written.
            while written and told and written[0] != told[0] and written[0][0] in self._ended:
                del written[0]
            if written != told[: len(written)]:
                first = next(n for n, row in enumerate(written) if row != told[n : n + 1][0])
                raise PromiseBroken(f"the disk has {written[first]} where {told[first]} was told")
            missing = self._told[len(written) :]
            if missing and is_whole:
                raise PromiseBroken(f"stopped in order, and {missing[0]} is not on the disk")
            if missing and not was_failing and missing[0][0] < died_at - COMMITTED:
                raise PromiseBroken(f"told at {missing[0][0]:.3f} and lost: {missing[0][1]}")
            ended = dict(disk.execute("SELECT id, end_reason FROM sessions").fetchall())
            for session_id, (cookie, opened_at) in list(self.signed_in.items()):
                if session_id not in ended and (was_failing or opened_at >= died_at - COMMITTED):
                    del self.signed_in[session_id]
                    continue  # not written in time; they sign in again
                if session_id not in ended:
                    raise PromiseBroken(f"{session_id} was signed in to, and is not on the disk")
                at, reason = self._over.get(cookie, (float("inf"), ""))
                if ended[session_id] is None and (was_failing or at >= died_at - COMMITTED):
                    self._over.pop(cookie, None)  # not written: it ends for another reason
                    continue
                if at < died_at - COMMITTED and not was_failing and ended[session_id] != reason:
                    raise PromiseBroken(
                        f"{session_id} ended for {reason}, and for {ended[session_id]} on the disk"
                    )
            for id, name, is_here, status, last, own, best in disk.execute(
                "SELECT p.id, p.name, p.is_currently_active, p.status, p.last_activity_at,"
                " (SELECT player_status FROM status_changes c WHERE c.player_id = p.id"
                "  ORDER BY c.id DESC LIMIT 1),"
                " (SELECT max(last_activity_at) FROM sessions s WHERE s.player_id = p.id)"
                " FROM players p"
            ):
                if is_here != (status != "offline") or (own is not None and own != status):
                    raise PromiseBroken(
                        f"{name} is {status} ({is_here}) on the disk, and was {own}"
                    )
                if last < self._last_seen.get(id, 0):
                    raise PromiseBroken(f"the last activity of {name} went back on the disk")
                if best is not None and last < best and not self._has_stepped_back:
                    raise PromiseBroken(
                        f"{name} was last active at {best}, and {last} is on the disk"
                    )
                self._last_seen[id] = last

    # The day

    async def _live(self, loop: VirtualLoop) -> None:
        self._loop = loop
        await self._boot(0.0)
        chance = self.chance
        for browser in self.browsers:
            self.later(chance.uniform(0, 3600), self._act, browser)
        for action, mean in (
            (self._stand_still, 2400),
            (self._step_the_wall_clock, 7000),
            (self._kill, 7000),
            (self._stop, 9000),
            (self._break_the_disk, 5000),
            (self._kick, 1200),
            (self._rush, 6000),
        ):
            self.later(chance.expovariate(1 / mean), self._again, action, mean)
        end = self.hours * 3600
        while self._agenda and self._agenda[0][0] < end:
            await self._step()
        await self._go_home()

    async def _step(self) -> None:
        at, _, action, args = heapq.heappop(self._agenda)
        if at > self._loop.time():
            await asyncio.sleep(at - self._loop.time())
        self.steps += 1
        result = action(*args)
        if asyncio.iscoroutine(result):
            if action in (self._again,):
                await result
            else:
                task = asyncio.get_running_loop().create_task(result)
                self._running[task] = None
                task.add_done_callback(self._note_done)
        await asyncio.sleep(0)
        if self.steps % LOOK_EVERY == 0:
            await self._look_at_everything()
        if self._failure is not None:
            raise self._failure

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def _note_done(self, task: asyncio.Task[Any]) -> None:
        self._running.pop(task, None)
        error = None if task.cancelled() else task.exception()
        # An ASGI server gets an OSError for a peer that disconnects during the handshake.
        if error is not None and not isinstance(error, OSError):
            self._fail(error)

    async def _look_at_everything(self) -> None:
        await asyncio.sleep(0.03)
        self.invariants.check_everybody()
        here = self.still_here
        for browser in self.browsers:
            session = here.registry.sessions.get(browser.session_id)  # type: ignore[call-overload]
            mine = [page for page in browser.open_pages if page.cookie == browser.cookie]
            if browser.cookie is not None and session is not None:
                tabs = len(here.tabs.of(session))
                is_known = not any(page.is_slow for page in mine) and not browser.is_in_doubt
                if is_known and not self._running and tabs != len(mine):
                    raise PromiseBroken(
                        f"{browser.name} has {len(mine)} tabs, and {tabs} are known"
                    )
        if here.lobby.lobby.next_due() is None:
            known = {
                id: player.status
                for id, player in here.registry.players.items()
                if player.status.is_here
            }
            for page in (page for browser in self.browsers for page in browser.open_pages):
                is_behind = page.is_silent or page.is_slow
                is_told = page.roster.is_current and page.roster.version == here.lobby.version
                seen = {id: player.status for id, player in page.roster.players.items()}
                if is_told and not is_behind and seen != known:
                    raise PromiseBroken(f"{page.browser.name} sees another lobby than there is")
        if not self.disk.is_failing and here.store.statistics().waiting == 0:
            self._look_at_the_disk()

    def _look_at_the_disk(self) -> None:
        """Check what other programs read from the database while the server runs."""
        told = rows(self.path, "SELECT id FROM players WHERE is_currently_active")
        known = {
            id for id, player in self.still_here.registry.players.items() if player.status.is_here
        }
        if wrong := known ^ {id for (id,) in told}:
            raise PromiseBroken(f"the disk is wrong about whether {sorted(wrong)} are here")

    async def _go_home(self) -> None:
        """Disconnect all players; after the end of the last session, nothing may be left."""
        self._agenda.clear()
        if self.disk.is_failing:
            self._mend_the_disk()
        for browser in self.browsers:
            for page in list(browser.pages):
                page.go(LEFT)
        longest = max(self.policy["session_lifetime"], self.policy["remember_lifetime"])
        await asyncio.sleep(longest + 2 * self.policy["max_hold"])
        if self._failure is not None:
            raise self._failure
        await self._look_at_everything()
        here = self.still_here
        left = [
            repr(task)
            for task in server_tasks()
            if not task.get_name().startswith(("bots", "journal", "sqlite"))
        ]
        if here.registry.next_deadline() is not None or here.registry.players:
            left.append(f"{len(here.registry.sessions)} sessions that never ended")
        died_at = self.instant()
        self.invariants.stop_looking()
        await here.stop()
        left += nothing_is_left(here) + [repr(task) for task in server_tasks()]
        if left:
            raise InvariantViolated(f"left when everybody was gone: {', '.join(left)}")
        self.is_up = False
        self._read_the_disk(died_at, is_whole=True, was_failing=False)

    # Actions of players

    async def _act(self, browser: Browser) -> None:
        chance = self.chance
        kind = chance.random()
        if kind < 0.45:
            pause = chance.uniform(1, 90)
        elif kind < 0.7:
            pause = chance.uniform(60, 300)
        elif kind < 0.8:
            pause = chance.uniform(200, 420)
        else:
            pause = chance.uniform(4000, 30000)
        self.later(pause, self._act, browser)
        if not self.is_up:
            return
        if browser.cookie is None:
            if chance.random() < 0.5:
                await browser.sign_in()
                self._open(browser)
            elif chance.random() < 0.3:
                await browser.replay()
            return
        pages = browser.open_pages
        if not pages:
            await self._act_without_a_page(browser)
        else:
            await self._act_on(chance.choice(pages), browser)

    async def _act_without_a_page(self, browser: Browser) -> None:
        what = self.chance.random()
        if what < 0.6:
            self._open(browser)
        elif what < 0.75:
            await browser.call("POST", "/api/session/activity")
        elif what < 0.85:
            await browser.call("GET", "/api/session")
        elif what < 0.9:
            await browser.call("POST", "/api/session/leave")
        elif what < 0.95:
            await browser.call("GET", "/api/players?limit=10")
        else:
            await browser.sign_out(everywhere=self.chance.random() < 0.3)

    async def _act_on(self, page: Page, browser: Browser) -> None:
        chance = self.chance
        what = chance.random()
        if what < 0.5:
            page.say(Ping(id=self.number()))
        elif what < 0.56:
            self._open(browser)
        elif what < 0.60:
            page.say(Watch(topic=LOBBY))
        elif what < 0.62:
            page.say(Unwatch(topic=LOBBY))
            page.roster.expect_whole()
        elif what < 0.67:
            page.say(Hold(seconds=chance.choice((0.001, 20, 100, 599.9, 600, 1e9))))
        elif what < 0.70:
            page.say(Release())
        elif what < 0.76:
            await self._reload(page, browser)
        elif what < 0.81:
            page.go(chance.choice((LEFT, RELOADED, 4000)))
        elif what < 0.86:
            page.go(LOST)
            if chance.random() < 0.8:
                self.later(chance.uniform(0, 40), self._come_back, browser)
        elif what < 0.90:
            # The cable is pulled: the server notices only that its ping has no answer.
            page.is_silent = browser.is_deaf = True
            self.later(chance.uniform(20, 30), page.go, LOST)
            if chance.random() < 0.8:
                self.later(chance.uniform(0, 60), self._come_back, browser)
        elif what < 0.91:
            page.is_slow = browser.is_deaf = True
        elif what < 0.94:
            await browser.call("POST", "/api/session/activity")
        elif what < 0.96:
            await browser.call("GET", "/api/sessions")
        elif what < 0.97:
            await browser.call("GET", "/api/session", passive="1")
        elif what < 0.985:
            await browser.sign_in()
            self._open(browser)
        else:
            await browser.sign_out(everywhere=chance.random() < 0.4)

    async def _reload(self, page: Page, browser: Browser) -> None:
        if self.chance.random() < 0.7:
            await browser.call("POST", "/api/session/leave")
        page.go(LEFT)
        await asyncio.sleep(self.chance.uniform(0.05, 4))
        self._open(browser)

    def _open(self, browser: Browser) -> None:
        if self.is_up and browser.cookie is not None:
            task = Page(browser).start()
            self._running[task] = None
            task.add_done_callback(self._note_done)
            # Only calls are waited for, not sockets.
            self._running.pop(task)

    def _come_back(self, browser: Browser) -> None:
        if browser.cookie is not None and not browser.open_pages:
            self._open(browser)

    def stay(self, browser: Browser) -> None:
        """Answer a warning."""
        for page in browser.open_pages[:1]:
            page.say(Ping())

    # Faults of the server

    async def _again(self, action: Callable[[], Any], mean: float) -> None:
        self.later(self.chance.expovariate(1 / mean), self._again, action, mean)
        if not self.is_up:
            return
        name = action.__name__.strip("_")
        self.counts[name] = self.counts.get(name, 0) + 1
        result = action()
        if asyncio.iscoroutine(result):
            await result

    def _stand_still(self) -> None:
        """SIGSTOP: pings that players send meanwhile are read before or after the timers."""
        chance = self.chance
        seconds = chance.uniform(2.5 * self.heartbeat, 900)
        self.note("stands still for", seconds)
        for browser in self.browsers:
            if chance.random() < 0.5:
                self.stay(browser)
        self._stalls.append((self.instant(), seconds))
        self._loop.stand_still(seconds)
        self._stalled_at = self._loop.time()
        if chance.random() < 0.5:
            self.still_here.ticker.wake()  # uvloop's order: timers before reads

    def _step_the_wall_clock(self) -> None:
        step = self.chance.choice((-5.0, 3600.0, -3600.0, 0.5, 86_400.0))
        self.note("the wall clock steps by", step)
        self._wall_offset += step
        self._has_stepped_back = self._has_stepped_back or step < 0
        self._stepped_at = self.instant()

    async def _kill(self) -> None:
        await self._restart(in_order=False)

    async def _stop(self) -> None:
        await self._restart(in_order=True)

    def _break_the_disk(self) -> None:
        if not self.disk.is_failing:
            self.note("the disk fails")
            self.disk.is_failing = True
            self.later(self.chance.uniform(1, 400), self._mend_the_disk)

    def _mend_the_disk(self) -> None:
        if self.disk.is_failing:
            self.note("the disk works")
            self.disk.is_failing = False
            self._disk_failed_at = self.instant()

    async def _kick(self) -> None:
        """End a session, as an operator would."""
        sessions = list(self.still_here.registry.sessions.values())
        if sessions and not self.disk.is_failing:
            here = self.still_here
            session = self.chance.choice(sessions)
            await here.sessions.end([session.id], Reason.KICKED, self._clock.now())

    def _rush(self) -> None:
        """Let many players act at the same instant."""
        for browser in self.chance.sample(self.browsers, min(40, len(self.browsers))):
            self.later(0.0, self._act_once, browser)

    async def _act_once(self, browser: Browser) -> None:
        if not self.is_up:
            return
        if browser.cookie is None:
            await browser.sign_in()
        for page in browser.open_pages[:1]:
            await self._act_on(page, browser)
