"""The lateness of warnings and sign-outs, spread out and all at once, as clients see it.

Lateness is the client's arrival time, less that of sending its last ping, less the policy's time:
it includes the way to the server and back, and any queueing of the ping. Early means before that
time after the last ping was *sent*; only the client's clock is used.
"""

from statistics import median

from scripts.benchmarks.figure import Row, Scale, quantile
from scripts.benchmarks.watching import Seen, Timing, watch

_STORM = 0.1
_ALLOWED_LATE, _ALLOWED_CLOSING, _ALLOWED_TRIP = 0.050, 2.0, 0.100

# Rows


async def lateness(scale: Scale) -> list[Row]:
    """Row: last pings spread over some seconds."""
    timing = Timing(*scale.lateness_policy, spread=scale.lateness_spread)
    ours = await watch(timing, scale.players, is_ours=True)
    plain = await watch(timing, scale.players, is_ours=False)
    late, plain_late = (quantile(seen.late, 0.99) * 1e3 for seen in (ours, plain))
    is_met = late <= _ALLOWED_LATE * 1e3 and not ours.early and not ours.missing
    return [
        Row(
            f"warning and sign-out lateness, {scale.players:,} players",
            "p99 <= 50 ms, 0 early",
            f"{late:.1f} ms, {ours.early} early",
            f"{plain_late:.1f} ms, {plain.early} early",
            late / plain_late,
            is_met,
            [f"ours: {_spread_of(ours)}", f"baseline: {_spread_of(plain)}"],
            {"ours": _figures(ours), "baseline": _figures(plain)},
        )
    ]


async def storm(scale: Scale) -> list[Row]:
    """Rows: all last pings within 100 ms, and a bystander."""
    timing = Timing(*scale.storm_policy, spread=_STORM)
    ours: list[Seen] = []
    plain: list[Seen] = []
    for _ in range(scale.storm_rounds):
        ours.append(await watch(timing, scale.players, is_ours=True))
        plain.append(await watch(timing, scale.players, is_ours=False))
    closing, plain_closing = (median(seen.last_closed for seen in each) for each in (ours, plain))
    trip, plain_trip = (median(seen.worst_trip for seen in each) * 1e3 for each in (ours, plain))
    missing, early = sum(seen.missing for seen in ours), sum(seen.early for seen in ours)
    rounds = f"median of {len(ours)} rounds"
    figures = {"ours": [_figures(each) for each in ours], "baseline": [_figures(s) for s in plain]}
    return [
        Row(
            f"{scale.players:,} expire within 100 ms: last socket closed",
            "<= 2 s",
            f"{closing:.2f} s",
            f"{plain_closing:.2f} s",
            closing / plain_closing,
            closing <= _ALLOWED_CLOSING and not missing and not early,
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
            "<= 100 ms",
            f"{trip:.0f} ms",
            f"{plain_trip:.0f} ms",
            trip / plain_trip,
            trip <= _ALLOWED_TRIP * 1e3,
            [
                f"one ping every 10 ms from the last pings to the last close, {rounds}: "
                + ", ".join(f"{seen.worst_trip * 1e3:.0f}" for seen in ours)
            ],
        ),
    ]


def _spread_of(seen: Seen) -> str:
    parts = [
        f"{name} {median(late) * 1e3:.1f}/{quantile(late, 0.99) * 1e3:.1f}/{max(late) * 1e3:.1f}"
        for name, late in (("warned", seen.warned_late), ("signed out", seen.closed_late))
        if late
    ]
    return f"{', '.join(parts)} ms late (median/p99/worst), {seen.missing} not told"


def _figures(seen: Seen) -> dict[str, object]:
    return {
        name: [quantile(late, share) for share in (0.0, 0.5, 0.99, 1.0)]
        for name, late in (("warned_late", seen.warned_late), ("closed_late", seen.closed_late))
    } | {
        "missing": seen.missing,
        "last_closed": seen.last_closed,
        "worst_trip": seen.worst_trip,
    }
