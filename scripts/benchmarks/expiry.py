"""The lateness of warnings and sign-outs, spread out and all at once, as clients see it.

Lateness is the client's arrival time, less that of sending its last ping, less the policy's time:
it includes the way to the server and back, and any queueing of the ping. Early means before that
time after the last ping was *sent*; only the client's clock is used.
"""

from statistics import median

from scripts.benchmarks import targets
from scripts.benchmarks.figure import Row, Scale, quantile
from scripts.benchmarks.watching import Seen, Timing, watch

_STORM = 0.1

# Rows


async def lateness(scale: Scale) -> list[Row]:
    """Rows: last pings spread over some seconds."""
    timing = _timing(scale, scale.lateness_policy, scale.lateness_spread * _times(scale))
    ours = await watch(timing, scale.connections, is_ours=True)
    plain = await watch(timing, scale.connections, is_ours=False)
    late, plain_late = (quantile(seen.closed_late, 0.99) for seen in (ours, plain))
    warned, plain_warned = (quantile(seen.warned_late, 0.99) for seen in (ours, plain))
    always = [targets.EARLY.check(ours.early), targets.MISSING.check(ours.missing)]
    return [
        Row(
            f"sign-outs late, p50 / p99 / max, {scale.connections:,} players",
            [
                *(
                    target.check(quantile(ours.closed_late, share) * 1e3)
                    for share, target in targets.SIGN_OUT_LATE.items()
                ),
                *always,
            ],
            f"{_spread_of(ours.closed_late)} ms",
            f"{_spread_of(plain.closed_late)} ms",
            late / plain_late,
            [
                f"durable before they are told; the ratio is that of the p99; of warnings and "
                f"sign-outs {ours.early} early, {ours.missing} not told; the baseline's, which "
                f"are not durable, {plain.early} and {plain.missing}"
            ],
            {"ours": _figures(ours), "baseline": _figures(plain)},
        ),
        Row(
            "... their warnings",
            [targets.WARNING_LATE.check(warned * 1e3), *always],
            f"{_spread_of(ours.warned_late)} ms",
            f"{_spread_of(plain.warned_late)} ms",
            warned / plain_warned,
        ),
    ]


async def storm(scale: Scale) -> list[Row]:
    """Rows: all last pings within 100 ms, and a bystander."""
    timing = _timing(scale, scale.storm_policy, _STORM)
    ours: list[Seen] = []
    plain: list[Seen] = []
    for _ in range(scale.storm_rounds):
        ours.append(await watch(timing, scale.connections, is_ours=True))
        plain.append(await watch(timing, scale.connections, is_ours=False))
    closing, plain_closing = (median(seen.last_closed for seen in each) for each in (ours, plain))
    trip, plain_trip = (median(seen.worst_trip for seen in each) * 1e3 for each in (ours, plain))
    missing, early = sum(seen.missing for seen in ours), sum(seen.early for seen in ours)
    rounds = f"median of {len(ours)} rounds"
    figures = {"ours": [_figures(each) for each in ours], "baseline": [_figures(s) for s in plain]}
    return [
        Row(
            f"{scale.connections:,} expire within 100 ms: last socket closed",
            [
                targets.STORM_LAST.check(closing),
                targets.EARLY.check(early),
                targets.MISSING.check(missing),
            ],
            f"{closing:.2f} s",
            f"{plain_closing:.2f} s",
            closing / plain_closing,
            [
                f"after the first deadline, {rounds}: "
                + ", ".join(f"{seen.last_closed:.2f}" for seen in ours)
                + f"; their last pings took {median(seen.pinging for seen in ours):.2f} s to send; "
                f"{missing} not told, {early} early"
            ],
            figures,
        ),
        Row(
            "... a bystander's worst ping meanwhile",
            [targets.STORM_TRIP.check(trip)],
            f"{trip:.0f} ms",
            f"{plain_trip:.0f} ms",
            trip / plain_trip,
            [
                f"one ping every 10 ms from the last pings to the last close, {rounds}: "
                + ", ".join(f"{seen.worst_trip * 1e3:.0f}" for seen in ours)
            ],
        ),
    ]


def _times(scale: Scale) -> float:
    """Return how much longer everything takes than at the usual number of connections: signing in
    and connecting so many, who must not be idle before the last of them is there."""
    return max(scale.connections / Scale().connections, 1.0)


def _timing(scale: Scale, policy: tuple[float, float], spread: float) -> Timing:
    idle_timeout, warn_before = policy
    times = _times(scale)
    return Timing(idle_timeout * times, warn_before * times, spread, keep_alive=times)


def _spread_of(late: list[float]) -> str:
    return " / ".join(f"{quantile(late, share) * 1e3:.1f}" for share in targets.SIGN_OUT_LATE)


def _figures(seen: Seen) -> dict[str, object]:
    return {
        name: [quantile(late, share) for share in (0.0, 0.5, 0.99, 1.0)]
        for name, late in (("warned_late", seen.warned_late), ("closed_late", seen.closed_late))
    } | {
        "missing": seen.missing,
        "last_closed": seen.last_closed,
        "worst_trip": seen.worst_trip,
    }
