"""One run, from the first sign-in to the verdict."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, TextIO

from scripts.idle_players.machine import LagMeter, freeze_garbage
from scripts.idle_players.observer import Observer
from scripts.idle_players.plans import Timing, counts, ends_after, make_crowd, player_name, run_tag
from scripts.idle_players.player import Player, Run
from scripts.idle_players.progress import Meter, in_words
from scripts.idle_players.rules import QUEUEING, ROUNDING, Kind, Policy, judge
from scripts.idle_players.verdict import Verdict
from server.client import Address, Unreachable

TIMEOUT = 10.0
"""Seconds after which something that has not come counts as missing."""

_AT_ONCE = 50
"""Sign-ins, and sign-outs, at a time."""

_SIGN_OUT_TIMEOUT = 10.0
_DRIFT = 2e-4
"""The clocks of two machines may differ in speed by this share while NTP slews one of them."""


class Impossible(Exception):
    """The server's settings do not allow such a run; the message is a sentence."""


@dataclass(frozen=True)
class Options:
    """What to simulate; durations in seconds. `late`: from when an event counts as late."""

    address: Address
    players: int
    mix: dict[Kind, float]
    late: float
    seed: int
    timing: Timing


@dataclass(frozen=True)
class Result:
    """The result of a run. `worst_lag` (seconds) and `cpu` (share of a core) are the client's own,
    after all had arrived. `is_whole`: it was not interrupted."""

    verdict: Verdict
    policy: Policy
    seconds: float
    worst_lag: float
    cpu: float
    is_whole: bool


async def simulate(options: Options, out: TextIO, stop: asyncio.Event) -> Result:
    """Run until all that is due has come or is missing, or until `stop`.

    Raises Unreachable, VisitRefused or Impossible if there can be no run.
    """
    address, timing = options.address, options.timing
    tag = run_tag()
    observer = await Observer.arrive(address, player_name("observer", 0, 4, tag))
    policy = observer.visit.policy
    numbers = counts(options.players, options.mix)
    plans = make_crowd(numbers, timing, policy, options.seed, tag)
    seconds = ends_after(plans, timing, policy)
    _check_room(policy, seconds)
    print(_announcement(options, numbers, policy, seconds), file=out, flush=True)

    progress: Counter[str] = Counter()
    start = monotonic()
    run = Run(address, policy, observer, start, TIMEOUT, asyncio.Semaphore(_AT_ONCE), progress)
    players = [Player(plan, run) for plan in plans]
    lag = LagMeter()
    meter = Meter(progress, _expected(numbers, options.players), seconds, out)
    settling = _settle_down(players, timing.arrive_over + TIMEOUT, lag)
    async with _meanwhile(observer.watch(), lag.measure(), meter.show(), settling):
        await _play_all(players, start + timing.arrive_over + policy.idle_timeout, stop)
        until = monotonic()
        worst_lag, cpu = lag.worst, lag.cpu
        for player in players:
            await player.stop()
    result = Result(
        _judge_all(players, run, until, worst_lag, options, is_whole=not stop.is_set()),
        policy,
        until - start,
        worst_lag,
        cpu,
        not stop.is_set(),
    )
    await _sign_out_all(players, observer)
    return result


async def _play_all(players: list[Player], not_before: float, stop: asyncio.Event) -> None:
    """Run all players until nothing more is due to any of them, and at least until `not_before`: a
    player to whom nothing is due must be left alone for a whole idle timeout."""
    tasks = {player: asyncio.create_task(player.play()) for player in players}
    endless = (Kind.ACTIVE, Kind.FLAPPER)
    ending_tasks = [task for player, task in tasks.items() if player.plan.kind not in endless]

    async def wait_until_nothing_is_due() -> None:
        await asyncio.gather(*ending_tasks)
        await asyncio.sleep(max(not_before - monotonic(), 0.0))

    everybody: asyncio.Future[Any] = asyncio.gather(*tasks.values())
    ends: list[asyncio.Task[Any]] = [
        asyncio.create_task(wait_until_nothing_is_due()),
        asyncio.create_task(stop.wait()),
    ]
    try:
        # `everybody` completes first if all lost their connection, or one was refused.
        await asyncio.wait([everybody, *ends], return_when=asyncio.FIRST_COMPLETED)
        for ending in (everybody, *ends):
            if ending.done():
                ending.result()
    finally:
        for task in (*tasks.values(), *ends):
            task.cancel()
        await asyncio.gather(*tasks.values(), *ends, everybody, return_exceptions=True)


async def _settle_down(players: list[Player], longest: float, lag: LagMeter) -> None:
    """When all have arrived, or after `longest` seconds, freeze the garbage, and measure from
    there."""
    with suppress(TimeoutError):
        async with asyncio.timeout(longest):
            await asyncio.gather(*(player.arrived.wait() for player in players))
    freeze_garbage()
    await asyncio.sleep(0.05)
    lag.reset()


def _judge_all(
    players: list[Player],
    run: Run,
    until: float,
    worst_lag: float,
    options: Options,
    *,
    is_whole: bool,
) -> Verdict:
    verdict = Verdict(options.late)
    observer, policy = run.observer, run.policy
    faults = ([observer.lost] if observer.lost else []) + observer.lobby.faults
    verdict.add("the observer", "observer", [], faults)
    drift = 0.0 if _is_this_machine(options.address) else _DRIFT * policy.idle_timeout
    for player in players:
        record = player.record
        # A player without a connection is signed out by the idle clock, and recorded as trouble.
        if player.visit is not None and player.arrived.is_set():
            id = player.visit.player_id
            record.met += observer.leavings(id)
            if is_whole and not observer.is_blind and id not in observer.lobby.joined:
                record.trouble.append("never appeared in the lobby")
        findings = judge(
            record,
            policy,
            until,
            TIMEOUT,
            rounding=ROUNDING + drift,
            queueing=max(QUEUEING, worst_lag),
            sees_lobby=not observer.is_blind,
        )
        verdict.add(record.name, record.kind, findings, record.trouble)
    return verdict


def _is_this_machine(address: Address) -> bool:
    """Return True if the server has the same monotonic clock as this process."""
    return address.host in ("localhost", "::1") or address.host.startswith("127.")


async def _sign_out_all(players: list[Player], observer: Observer) -> None:
    """Sign out the players that are still signed in, if possible, so that they do not disturb the
    next run."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def sign_out(player: Player) -> None:
        async with slots:
            if player.visit is not None and not player.is_over:
                await player.visit.sign_out()

    with suppress(TimeoutError, Unreachable):
        async with asyncio.timeout(_SIGN_OUT_TIMEOUT):
            await asyncio.gather(*map(sign_out, players), return_exceptions=True)
            await observer.visit.sign_out()


@asynccontextmanager
async def _meanwhile(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `jobs` beside the block, and cancel them at its end; their errors are raised then."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ending in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ending, Exception):
                raise ending


# Text


def _check_room(policy: Policy, seconds: float) -> None:
    if policy.session_lifetime - policy.warn_before <= seconds + TIMEOUT:
        raise Impossible(
            f"this run takes {in_words(seconds)}, and the server ends every session after "
            f"{policy.session_lifetime:g} s (session_lifetime): give it more"
        )


def _announcement(
    options: Options, numbers: dict[Kind, int], policy: Policy, seconds: float
) -> str:
    crowd = ", ".join(f"{number:,} {kind}" for kind, number in numbers.items() if number)
    return (
        f"{options.players:,} players on {options.address.url}: {crowd} (seed {options.seed}).\n"
        f"The server warns after {policy.warns_after:g} s without activity and signs out after "
        f"{policy.idle_timeout:g} s, so this takes about {in_words(seconds)}."
    )


def _expected(numbers: dict[Kind, int], players: int) -> dict[str, int]:
    idle = numbers.get(Kind.IDLE, 0) + numbers.get(Kind.HOLD, 0)
    leavers = numbers.get(Kind.LEAVER, 0)
    return {"arrived": players, "warned": idle, "signed out": idle + leavers // 2}
